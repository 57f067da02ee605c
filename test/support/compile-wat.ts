import { readFileSync } from 'node:fs';
import path from 'node:path';
import wabtFactory from 'wabt';

/** What scripts/build-kernel.mjs makes of a kernel's source, as base64. @param source below src/ */
export async function compileWat(source: string): Promise<string> {
  const wabt = await wabtFactory();
  const text = readFileSync(path.resolve(__dirname, '../../src', source), 'utf8');
  const module = wabt.parseWat(path.basename(source), text, { simd: true });
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}
