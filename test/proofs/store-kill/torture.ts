import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';
import { enrolment } from '../../store/churn';
import { linesOf, startTask } from '../../store/harness';

export interface TortureResult {
  kills: number;
  acknowledged: number;
  /** Kills that hit a step of this kind between its begin and its acknowledgement. */
  readonly inFlight: Record<string, number>;
  rotations: number;
}

/** Longer than a rotation of 60 members takes, so that a kill falls anywhere within a step or between two. */
const MAX_LIFE_MS = 120;

/**
 * Kills a process that enrols, deletes and rotates, at random moments, and checks after each kill that the store is whole, that
 * every acknowledged step is there, and that the one under way happened as a whole or not at all.
 * @throws Error that tells the first thing that is wrong
 */
export async function torture(dataDir: string, kills: number, tell: (line: string) => void): Promise<TortureResult> {
  const expected = new Map<string, number>();
  const removed = new Set<string>();
  const result: TortureResult = { kills: 0, acknowledged: 0, inFlight: {}, rotations: 0 };
  for (; result.kills < kills; result.kills += 1) {
    const child = startTask('churn', dataDir);
    let timer: NodeJS.Timeout | undefined;
    const lines = await linesOf(child, () => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), randomInt(MAX_LIFE_MS));
      return false;
    });
    const acknowledged = lines.filter((line) => line.startsWith('! '));
    for (const line of acknowledged) {
      const [, verb, id = '', round] = line.split(' ');
      if (verb === 'rotate') result.rotations += 1;
      else if (verb === 'remove') {
        expected.delete(id);
        removed.add(id);
      } else expected.set(id, Number(round));
    }
    result.acknowledged += acknowledged.length;
    const last = lines.at(-1) ?? '';
    const open = last.startsWith('? ') ? last.slice(2) : null;
    if (open !== null) {
      const verb = open.split(' ')[0] ?? '';
      result.inFlight[verb] = (result.inFlight[verb] ?? 0) + 1;
    }
    check(dataDir, expected, removed, open);
    if (result.kills % 50 === 49) tell(`${result.kills + 1} kills, ${result.acknowledged} acknowledged steps`);
  }
  return result;
}

function check(dataDir: string, expected: Map<string, number>, removed: Set<string>, open: string | null): void {
  const store = Store.open(dataDir, { ledger: Journal.open(dataDir) });
  try {
    // A kill between the two writes is finished or undone, and never taken for a copy from before.
    if (store.contradiction !== null) throw new Error(`${store.contradiction} after ${open ?? 'a step'}`);
    const [verb, openId = '', openRound] = open?.split(' ') ?? [];
    const found = new Set(store.members.list().map(({ id }) => id));
    if (verb === 'add' && found.has(openId)) expected.set(openId, Number(openRound));
    if (verb === 'remove' && !found.has(openId)) {
      expected.delete(openId);
      removed.add(openId);
    }
    if (verb === 'again' && sameAs(store, openId, Number(openRound))) expected.set(openId, Number(openRound));
    for (const [id, round] of expected)
      if (!sameAs(store, id, round))
        throw new Error(`member ${id} is not as acknowledged (in flight: ${open ?? 'nothing'})`);
    for (const id of found)
      if (!expected.has(id)) throw new Error(`member ${id} was never acknowledged, or is deleted`);
    for (const id of removed) if (store.receipts.of(id).length !== 1) throw new Error(`no receipt for ${id}`);
    if (!store.scrub()) throw new Error('something deleted is left in a file');
    checkFile(store.file);
  } finally {
    store.close();
  }
}

/** Whole vectors, bit by bit: opened under whatever key the kill left. */
function sameAs(store: Store, id: string, round: number): boolean {
  const stored = store.templates.list(id).map(({ vector }) => [...vector]);
  return JSON.stringify(stored) === JSON.stringify(enrolment(id, round).map(({ vector }) => [...vector]));
}

function checkFile(file: string): void {
  const database = Database.open(file, { readonly: true, busyTimeoutMs: 1000, journal: 'wal' });
  try {
    const verdict = database.all('PRAGMA integrity_check').flatMap((row) => Object.values(row));
    if (verdict.join() !== 'ok') throw new Error(`integrity: ${verdict.join()}`);
    if (database.all('PRAGMA foreign_key_check').length > 0) throw new Error('foreign keys');
    if (database.number('SELECT count(*) FROM box_keys') !== 1) throw new Error('not one box key');
    if (database.number('SELECT count(*) FROM members') !== database.number('SELECT count(*) FROM member_keys'))
      throw new Error('a member without key, or a key without member');
  } finally {
    database.close();
  }
  if (statSync(path.join(path.dirname(file), 'keys', 'box.key')).size !== 65)
    throw new Error('the key file is not whole');
}
