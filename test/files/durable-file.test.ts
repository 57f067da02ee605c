import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDurably, writeDurably } from '../../src/files/durable-file';

const dir = mkdtempSync(join(tmpdir(), 'usher-durable-'));
afterAll(() => rmSync(dir, { recursive: true }));
const modeOf = (file: string): number => statSync(file).mode & 0o777;

test('a file is replaced whole, for its owner alone unless it is said otherwise, and nothing is left next to it', () => {
  const folder = join(dir, 'replaced', 'deeper');
  const file = join(folder, 'state.json');
  writeDurably(file, 'first');
  expect([modeOf(file), modeOf(folder)]).toEqual([0o600, 0o700]);
  writeDurably(file, Uint8Array.of(50, 51), 'public');
  writeDurably(join(folder, 'odd'), 'x', 0o640);
  expect([readFileSync(file, 'utf8'), modeOf(file), modeOf(join(folder, 'odd'))]).toEqual(['23', 0o644, 0o640]);
  expect(readdirSync(folder).sort()).toEqual(['odd', 'state.json']);
});

test('a file that is there already is not created again', () => {
  const folder = join(dir, 'created');
  expect(() => createDurably(join(folder, 'key'), 'x')).toThrow(/ENOENT/);
  mkdirSync(folder);
  const file = join(folder, 'key');
  createDurably(file, 'first');
  expect(modeOf(file)).toBe(0o600);
  expect(() => createDurably(file, 'second')).toThrow(/EEXIST/);
  expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['first', ['key']]);
});

test('a link in the place of the temporary file gets nothing written through it', () => {
  const [file, aim] = [join(dir, 'aimed'), join(dir, 'aim')];
  writeFileSync(aim, 'untouched');
  symlinkSync(aim, `${file}.tmp-${process.pid}`);
  writeDurably(file, 'secret');
  expect([readFileSync(aim, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['untouched', 'secret']);
});
