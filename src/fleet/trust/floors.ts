import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import type { OfferKeys } from './tuf-client';
import { sha256Hex } from '../../digest';

const Seen = z.strictObject({ seq: z.number().int().min(1), sha256: z.string() });
const Saved = z.strictObject({
  v: z.literal(1),
  keys: z.string(),
  time: z.number().int().min(0),
  seen: z.record(z.string(), Seen),
});
type Saved = z.infer<typeof Saved>;

/** A clock that is ahead of the signer's by more than this is not the signer's fault. */
const AHEAD_MS = 86_400_000;

/**
 * Values that must not go back, kept over restarts: the time, and the number of the newest offer of each addressee. The
 * time prevents that a box without a clock battery accepts metadata that expired long ago. It is raised only by times
 * that the fleet signed, never by the box's own clock, which may be wrong by years: such a floor would refuse
 * everything for ever. It counts only for the keys under which it was seen: after a theft of the online key, new keys
 * in the root undo the floors that the thief signed (TUF 5.3.11 does the same for metadata).
 */
export class TrustFloors {
  private readonly file: string;
  private saved: Saved;

  constructor(dir: string) {
    this.file = join(dir, 'floors.json');
    this.saved = read(this.file);
  }

  /** The time to use, epoch ms. @param wall the box's clock; null while it is not trusted */
  time(keys: OfferKeys, wall: number | null): number {
    const floor = this.of(keys).time;
    return Math.max(floor, keys.rootIssuedAt, wall ?? 0);
  }

  /** The fleet signed this time. @throws UsherError `store-unavailable` */
  raise(keys: OfferKeys, issuedAt: number, wall: number | null): void {
    if (wall !== null && issuedAt > wall + AHEAD_MS) return;
    const before = this.of(keys);
    if (issuedAt > before.time) this.save({ ...before, time: issuedAt });
  }

  seen(keys: OfferKeys, addressee: string): { readonly seq: number; readonly sha256: string } | null {
    const { seen } = this.of(keys);
    return Object.hasOwn(seen, addressee) ? (seen[addressee] ?? null) : null;
  }

  /** Durable when it returns. @throws UsherError `store-unavailable` */
  note(keys: OfferKeys, addressee: string, seq: number, sha256: string): void {
    const before = this.of(keys);
    this.save({ ...before, seen: { ...before.seen, [addressee]: { seq, sha256 } } });
  }

  private of(keys: OfferKeys): Saved {
    const fingerprint = fingerprintOf(keys);
    return this.saved.keys === fingerprint ? this.saved : { v: 1, keys: fingerprint, time: 0, seen: {} };
  }

  private save(next: Saved): void {
    try {
      writeDurably(this.file, new TextEncoder().encode(JSON.stringify(next)));
    } catch (error) {
      throw new UsherError('store-unavailable', `${this.file} cannot be written: ${messageOf(error)}`, {
        remedy: 'Check free disk space, and that the user of usher owns the data folder.',
        cause: error,
      });
    }
    this.saved = next;
  }
}

function fingerprintOf({ keys }: OfferKeys): string {
  return sha256Hex([...keys.keys()].sort().join('\n'));
}

/** Written atomically. An unreadable file was put there by hand; to forget it is better than never to update again. */
function read(file: string): Saved {
  try {
    return Saved.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCode(error)?.startsWith('E') === true && systemCode(error) !== 'ENOENT')
      throw new UsherError('store-unavailable', `${file}: ${messageOf(error)}`, { cause: error });
    return { v: 1, keys: '', time: 0, seen: {} };
  }
}
