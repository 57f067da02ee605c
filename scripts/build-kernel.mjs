#!/usr/bin/env node
/** Compiles each kernel's .wat to a TypeScript module next to it. The module is committed, so that a device needs no compiler. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import wabtFactory from 'wabt';

const KERNELS = ['src/access/members/similarity', 'src/vision/picture/bilinear', 'src/lab/wake-word/network/recurrent'];

const root = fileURLToPath(new URL('..', import.meta.url));
const wabt = await wabtFactory();
for (const kernel of KERNELS) {
  const name = path.basename(kernel);
  const source = await readFile(path.join(root, `${kernel}.wat`), 'utf8');
  const module = wabt.parseWat(`${name}.wat`, source, { simd: true });
  module.validate();
  const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
  module.destroy();
  const lines = base64.match(/.{1,112}/g).map((line) => `  '${line}'`);
  await writeFile(
    path.join(root, `${kernel}-wasm.ts`),
    `/** Generated from ${name}.wat by scripts/build-kernel.mjs; a test compares the two. */\n` +
      `export const ${name.toUpperCase()}_WASM_BASE64 = [\n${lines.join(',\n')},\n].join('');\n`,
  );
}
