import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addStill, forgetStills, listStills, memberTag, stillName } from '../../../src/vision/stills/still-folder';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'stills-')), 'stills');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const MANY = { maxFiles: 100, maxBytes: 1e6 };
const nameAt = (at: number, member: string | null = null): string =>
  stillName({
    ...{ decision: '0c9bd4a1-1d6f-4c0c-9a8e-000000000001', door: 'front_1', outcome: 'denied' },
    ...{ member, at },
  });
const add = (at: number, bytes = 10, limits = MANY, member: string | null = null): Promise<number> =>
  addStill(folder, nameAt(at, member), Buffer.alloc(bytes), limits);
const times = async (): Promise<number[]> => (await listStills(folder)).map(({ at }) => at);

test('where nothing was kept there is nothing', async () => {
  expect(await listStills(folder)).toEqual([]);
  expect(
    await forgetStills(
      folder,
      () => new Set(),
      () => false,
    ),
  ).toEqual({ age: 0, member: 0 });
});

test('only its owner can read a still, and no draft is left', async () => {
  await add(1000);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual([nameAt(1000)]);
  expect(statSync(join(folder, nameAt(1000))).mode & 0o777).toBe(0o600);
});

test.each([
  ['number', { maxFiles: 2, maxBytes: 1e6 }],
  ['size', { maxFiles: 100, maxBytes: 25 }],
])('the oldest go first, by %s', async (_, limits) => {
  // By the decision's time, not by that of the writing.
  const removed = [await add(3000, 10, limits), await add(1000, 10, limits), await add(2000, 10, limits)];
  expect(removed).toEqual([0, 0, 1]);
  expect(await times()).toEqual([2000, 3000]);
});

test('a still that is larger than all of them may be displaces nothing', async () => {
  await add(1000);
  await expect(add(2000, 30, { maxFiles: 9, maxBytes: 25 })).rejects.toThrow(/stills.maxMb/);
  expect(await times()).toEqual([1000]);
});

test('what is too old goes, and what shows somebody who is no member any more', async () => {
  await add(1000);
  await add(5000);
  await add(6000, 10, MANY, '4711');
  await add(7000, 10, MANY, '4712');
  writeFileSync(join(folder, 'notes.txt'), 'not ours');
  const left = new Set([memberTag('4711')]);
  const old = new Set([nameAt(1000)]);
  expect(
    await forgetStills(
      folder,
      (stills) => (expect(stills).toHaveLength(4), old),
      (tag) => left.has(tag),
    ),
  ).toEqual({ age: 1, member: 1 });
  expect(await times()).toEqual([5000, 6000]);
  expect(readdirSync(folder)).toContain('notes.txt');
});

test('no name says who it is, and none leads out of the folder', async () => {
  expect(nameAt(1000, '4711')).not.toContain('4711');
  expect(() => stillName({ decision: '../x', door: 'front', outcome: 'denied', member: null, at: 1 })).toThrow(
    /not the name/,
  );
  await expect(addStill(folder, '../x.jpg', Buffer.alloc(1), MANY)).rejects.toThrow(/not the name/);
});
