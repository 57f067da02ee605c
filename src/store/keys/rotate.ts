import { UsherError } from '../../errors';
import type { Database } from '../database/database';
import { type BoxKeySource, checkValue } from './box-key';
import { rewrapFactKey } from './sealed-facts';
import type { Keyring } from './keyring';

/** Each step after which a crash leaves something on disk; tests kill the process there. */
export type RotationStep = 'next-written' | 'rewrapped' | 'committed' | 'promoted';

export interface Rotated {
  readonly version: number;
  /** Members whose keys were wrapped anew. */
  readonly members: number;
  /** What is left for the operator to do. */
  readonly advice: string | null;
}

/**
 * Exchanges the box key: writes the next one beside it, rewraps every member's key in one transaction that also says so
 * in the database, then puts the next key in place. At each moment the key that the database names is at hand; which of the
 * two it is, its check value tells. A rotation that was cut short after its commit is finished by the next.
 *
 * Every change to the key's files is made while holding the database's write lock: two rotations at once would otherwise
 * put a key in place that the database does not name yet, over the one that it does.
 *
 * @throws UsherError `key-unusable`, `store-unavailable`; the old key is then the one in use
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

/** A rotation that ended after its commit left the store under `next`; there is no room for another one yet. */
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
