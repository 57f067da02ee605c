import { UsherError } from '../../errors';
import type { Database } from '../database/database';
import { type BoxKeySource, checkValue } from './box-key';
import { rewrapFactKey } from './sealed-facts';
import type { Keyring } from './keyring';

/** The steps after which a crash leaves something on disk. Tests kill the process there. */
export type RotationStep = 'next-written' | 'rewrapped' | 'committed' | 'promoted';

export interface Rotated {
  readonly version: number;
  /** Number of members whose keys were rewrapped. */
  readonly members: number;
  /** What the operator must still do. */
  readonly advice: string | null;
}

/**
 * Replaces the box key: writes the next one next to it, rewraps every member's key in one transaction that also records
 * the new version, then makes the next key current. At each moment the key that the database names is available; its
 * check value shows which of the two it is. A rotation that was interrupted after its commit is finished by the next
 * one. Every change to the key files is made under the database's write lock: otherwise two rotations at once could
 * overwrite the key that the database uses by one that it does not use yet.
 * @throws UsherError `key-unusable`, `store-unavailable`; the old key is then still in use
 */
export function rotateBoxKey(
  database: Database,
  keyring: Keyring,
  source: BoxKeySource,
  onStep: (step: RotationStep) => void = () => undefined,
): Rotated {
  const { version, members } = database.transaction(() => {
    settle(keyring, source);
    const next = source.prepareNext();
    onStep('next-written');
    try {
      const done = rewrapAll(database, keyring, next.key);
      onStep('rewrapped');
      return done;
    } finally {
      next.key.fill(0);
    }
  });
  onStep('committed');
  const advice = database.transaction(() => promote(keyring, source));
  onStep('promoted');
  keyring.requireKey();
  return { version, members, advice };
}

function rewrapAll(database: Database, keyring: Keyring, key: Uint8Array): { version: number; members: number } {
  keyring.requireKey();
  const old = keyring.version();
  const version = old + 1;
  database.run('INSERT INTO box_keys (version, check_value) VALUES (?, ?)', version, checkValue(key));
  const rows = database.all('SELECT member, wrapped FROM member_keys');
  for (const row of rows) {
    const member = String(row['member']);
    const wrapped = keyring.rewrap(member, { wrapped: row['wrapped'] as Uint8Array, version: old }, { key, version });
    database.run('UPDATE member_keys SET wrapped = ?, box_version = ? WHERE member = ?', wrapped, version, member);
  }
  rewrapFactKey(database, keyring, old, { key, version });
  database.run('DELETE FROM box_keys WHERE version = ?', old);
  return { version, members: rows.length };
}

/**
 * A rotation that was interrupted after its commit left the store under `next`. It must be finished before another one.
 */
function settle(keyring: Keyring, source: BoxKeySource): void {
  const advice = promote(keyring, source);
  if (advice !== null)
    throw new UsherError('key-unusable', 'the last rotation of the box key is not finished', { remedy: advice });
}

function promote(keyring: Keyring, source: BoxKeySource): string | null {
  const candidate = keyring.candidate();
  candidate.key.fill(0);
  return candidate.slot === 'next' ? source.promoteNext() : null;
}
