#!/usr/bin/env node
/** Compiles src/access/similarity.wat into src/access/similarity-wasm.ts, which is committed: the device needs no compiler. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import wabtFactory from 'wabt';

const source = fileURLToPath(new URL('../src/access/similarity.wat', import.meta.url));
const target = fileURLToPath(new URL('../src/access/similarity-wasm.ts', import.meta.url));

const wabt = await wabtFactory();
const module = wabt.parseWat('similarity.wat', await readFile(source, 'utf8'), { simd: true });
module.validate();
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
module.destroy();

const lines = base64.match(/.{1,112}/g).map((line) => `  '${line}'`);
await writeFile(
  target,
  `/** Generated from similarity.wat by scripts/build-kernel.mjs; a test compares the two. */\n` +
    `export const SIMILARITY_WASM_BASE64 = [\n${lines.join(',\n')},\n].join('');\n`,
);
