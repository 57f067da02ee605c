import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TrustFloors } from '../../../src/fleet/trust/floors';
import type { OfferKeys } from '../../../src/fleet/trust/tuf-client';

const NOW = Date.UTC(2027, 2, 1);
const DAY = 86_400_000;
const keys = (...names: string[]): OfferKeys => ({
  keys: new Map(names.map((name) => [name, 'ab'])),
  ...{ threshold: 1, rootIssuedAt: 1000 },
});
const ONE = keys('one', 'two');

let folder: string;
let floors: TrustFloors;
const reopened = () => new TrustFloors(folder);
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-floors-'));
  floors = new TrustFloors(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failure = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
};

describe('the time to reckon with', () => {
  test('is the latest of the box’s clock, the root and what the fleet signed', () => {
    expect([floors.time(ONE, null), floors.time(ONE, 999), floors.time(ONE, 1001)]).toEqual([1000, 1000, 1001]);
    floors.raise(ONE, NOW, NOW);
    expect([floors.time(ONE, null), floors.time(ONE, NOW - 1), floors.time(ONE, NOW + 1)]).toEqual([
      ...[NOW, NOW, NOW + 1],
    ]);
    expect(floors.time({ ...ONE, rootIssuedAt: NOW + 2 }, null)).toBe(NOW + 2);
  });

  test('is raised and never lowered, over a restart too', () => {
    floors.raise(ONE, NOW, null);
    floors.raise(ONE, NOW - 1, null);
    expect(reopened().time(ONE, null)).toBe(NOW);
  });

  test('is not raised by a signer who is more than a day ahead of a clock that is believed', () => {
    floors.raise(ONE, NOW + DAY + 1, NOW);
    expect(floors.time(ONE, null)).toBe(1000);
    floors.raise(ONE, NOW + DAY, NOW);
    expect(floors.time(ONE, null)).toBe(NOW + DAY);
    floors.raise(ONE, NOW + 100 * DAY, null);
    expect(floors.time(ONE, null)).toBe(NOW + 100 * DAY);
  });

  test('counts for the keys under which it was signed, in whatever order they are named', () => {
    floors.raise(ONE, NOW, null);
    expect(floors.time(keys('two', 'one'), null)).toBe(NOW);
    expect(floors.time(keys('one', 'three'), null)).toBe(1000);
  });
});

describe('the newest offer', () => {
  test('is kept for each addressee, over a restart and a later time', () => {
    expect(floors.seen(ONE, 'device')).toBeNull();
    floors.note(ONE, 'device', 3, 'aa');
    floors.note(ONE, 'group all', 7, 'bb');
    floors.raise(ONE, NOW, null);
    for (const each of [floors, reopened()]) {
      expect(each.seen(ONE, 'device')).toEqual({ seq: 3, sha256: 'aa' });
      expect(each.seen(ONE, 'group all')).toEqual({ seq: 7, sha256: 'bb' });
      expect([each.seen(ONE, 'group gyms'), each.seen(ONE, 'toString')]).toEqual([null, null]);
      expect(each.time(ONE, null)).toBe(NOW);
    }
  });
});

describe('the file', () => {
  test.each(['', '{', '{"v":2}', 'null'])('that holds %j is as none', (text) => {
    writeFileSync(path.join(folder, 'floors.json'), text);
    expect([reopened().time(ONE, null), reopened().seen(ONE, 'device')]).toEqual([1000, null]);
  });

  test('that cannot be read stops the box: to forget would let an old release in', () => {
    mkdirSync(path.join(folder, 'floors.json'));
    expect(failure(reopened)).toMatchObject({ code: 'store-unavailable' });
  });

  test('that cannot be written is reported, and nothing counts as seen', () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
    expect(failure(() => floors.note(ONE, 'device', 3, 'aa'))).toMatchObject({ code: 'store-unavailable' });
    expect(floors.seen(ONE, 'device')).toBeNull();
  });
});
