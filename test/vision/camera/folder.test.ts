import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom, take, toArray } from 'rxjs';
import { type UsherError } from '../../../src/errors';
import { FolderSource } from '../../../src/vision/camera/folder';
import { encodePng } from '../../../src/vision/picture/picture';

let dir: string;
let warnings: string[];
const source = (name: string, loop = false) =>
  new FolderSource(
    { path: path.join(dir, name), fps: 500, loop, latencyMs: 0 },
    { warn: (message) => warnings.push(message) },
  );

const picture = (side: number, value: number) =>
  encodePng({ width: side, height: side, data: new Uint8Array(side * side * 3).fill(value) });

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-folder-'));
  for (const name of ['good', 'bad', 'empty']) mkdirSync(path.join(dir, name));
  for (const number of [10, 9, 1])
    writeFileSync(path.join(dir, 'good', `frame${number}.png`), await picture(number, number));
  writeFileSync(path.join(dir, 'good', 'frame2.jpg'), 'not a picture');
  writeFileSync(path.join(dir, 'good', 'notes.txt'), 'not looked at');
  writeFileSync(path.join(dir, 'bad', 'a.png'), '');
  writeFileSync(path.join(dir, 'bad', 'b.jpg'), 'x');
});
beforeEach(() => {
  warnings = [];
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('name order by number, own sizes, bad ones skipped and told', async () => {
  const frames = await firstValueFrom(source('good').open().pipe(toArray()));
  expect(frames.map(({ seq, width, data }) => [seq, width, data[0]])).toEqual([
    [0, 1, 1],
    [1, 9, 9],
    [2, 10, 10],
  ]);
  expect(warnings.join('\n')).toContain('frame2.jpg');
  expect(warnings.join('\n')).toContain('1 pictures skipped');
});

test('a loop goes round and stops when nobody listens', async () => {
  const frames = await firstValueFrom(source('good', true).open().pipe(take(7), toArray()));
  expect(frames.map(({ width }) => width)).toEqual([1, 9, 10, 1, 9, 10, 1]);
  expect(frames.at(-1)!.seq).toBe(6);
  expect(warnings.filter((warning) => warning.includes('frame2.jpg'))).toHaveLength(1);
});

test.each([
  ['bad', false, 'none of its 2 pictures'],
  ['bad', true, 'none of its 2 pictures'],
  ['empty', false, 'has no pictures'],
  ['missing', false, 'ENOENT'],
])('the folder "%s" (loop %s) is an error', async (name, loop, message) => {
  const error = (await firstValueFrom(source(name, loop).open()).catch((thrown: unknown) => thrown)) as UsherError;
  expect(error.code).toBe('camera-failed');
  expect(error.message).toContain(message);
  expect(error.message).toContain(path.join(dir, name));
});
