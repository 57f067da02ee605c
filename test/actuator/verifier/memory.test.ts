import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UnlockMemory } from '../../../src/actuator/verifier/memory';
import type { Unlock } from '../../../src/access/keys/unlock';

const NOW = 1_800_000_000_000;
const unlock = (change: Partial<Unlock> = {}): Unlock => ({
  ...{ v: 1, door: 'main', decision: 'd', issuedAt: NOW, notAfter: NOW + 2000, bootId: 'boot-1', seq: 1 },
  ...{ nonce: 'n1', durationMs: 3000, key: 'k1', sig: '' },
  ...change,
});

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'usher-memory-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Closed again, whatever happens in it. */
function inMemory<T>(work: (memory: UnlockMemory) => T, keepMs = 10_000): T {
  const memory = UnlockMemory.open(folder, keepMs);
  try {
    return work(memory);
  } finally {
    memory.close();
  }
}
const failure = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test('what was obeyed is known after a restart, once and for each box and run', () => {
  inMemory((memory) => {
    memory.record(unlock(), NOW);
    memory.record(unlock({ nonce: 'n2', seq: 5, issuedAt: NOW - 10 }), NOW + 1);
    memory.record(unlock({ nonce: 'n3', bootId: 'boot-2', issuedAt: NOW - 500 }), NOW + 2);
  });
  inMemory((memory) => {
    expect(['n1', 'n2', 'n3', 'n4'].map((nonce) => memory.hasObeyed(nonce))).toEqual([true, true, true, false]);
    expect(memory.boot('k1', 'boot-1')).toEqual({ seq: 5, latest: false });
    expect(memory.boot('k1', 'boot-2')).toEqual({ seq: 1, latest: true });
    expect([memory.boot('k1', 'boot-3'), memory.boot('k2', 'boot-1')]).toEqual([null, null]);
    // The latest issue of a run counts, whatever came last.
    expect(memory.newestIssueOfOtherBoots('k1', 'boot-2')).toBe(NOW);
    expect(memory.newestIssueOfOtherBoots('k1', 'boot-1')).toBe(NOW - 500);
    expect(memory.newestIssueOfOtherBoots('k2', 'boot-1')).toBeNull();
    expect(memory.obeyedBetween(NOW, NOW + 2)).toBe(3);
    expect([memory.obeyedBetween(NOW + 1, NOW + 1), memory.obeyedBetween(NOW + 3, NOW + 9)]).toEqual([1, 0]);
    expect(failure(() => memory.record(unlock(), NOW + 3))).toBeInstanceOf(Error);
  });
});

test('a nonce is kept until it is void for so long, and 32 runs of a box', () => {
  inMemory((memory) => {
    memory.record(unlock(), NOW);
    memory.record(unlock({ nonce: 'n2', seq: 2 }), NOW + 12_000);
    expect(memory.hasObeyed('n1')).toBe(true);
    memory.record(unlock({ nonce: 'n3', seq: 3 }), NOW + 12_001);
    expect([memory.hasObeyed('n1'), memory.hasObeyed('n2')]).toEqual([false, true]);
    for (let run = 2; run <= 33; run++) memory.record(unlock({ nonce: `r${run}`, bootId: `boot-${run}` }), NOW);
    expect([memory.boot('k1', 'boot-1'), memory.boot('k1', 'boot-2')?.seq]).toEqual([null, 1]);
  });
});

test('the time it was sure of is raised, never lowered, and reset by a person alone', () => {
  inMemory((memory) => {
    expect(memory.floor).toBe(0);
    memory.raiseFloor(NOW);
    memory.raiseFloor(NOW - 1);
    memory.record(unlock(), NOW);
  });
  inMemory((memory) => {
    expect(memory.floor).toBe(NOW);
    memory.resetTime();
    expect([memory.floor, memory.boot('k1', 'boot-1'), memory.hasObeyed('n1')]).toEqual([0, null, true]);
  });
});

describe('a memory that cannot be opened is told', () => {
  test('a file that is no database', () => {
    writeFileSync(path.join(folder, 'actuator.db'), 'no database at all, '.repeat(1000));
    expect(failure(() => UnlockMemory.open(folder, 1))).toMatchObject({
      ...{ code: 'store-unavailable', remedy: expect.stringContaining('delete the file') as string },
    });
  });

  test('a folder that is a file', () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    expect(failure(() => UnlockMemory.open(file, 1))).toMatchObject({ code: 'store-unavailable' });
  });
});
