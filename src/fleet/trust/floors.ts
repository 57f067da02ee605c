import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import type { OfferKeys } from './tuf-client';

const Seen = z.strictObject({ seq: z.number().int().min(1), sha256: z.string() });
const Saved = z.strictObject({
  v: z.literal(1),
  keys: z.string(),
  time: z.number().int().min(0),
  seen: z.record(z.string(), Seen),
});
type Saved = z.infer<typeof Saved>;

/** A clock ahead of the signer's by more than this is not taken for the signer's fault. */
const AHEAD_MS = 86_400_000;

/**
 * What must not go back, kept over restarts: the time, and the number of the newest offer of each addressee.
 *
 * The time stops a box without a battery clock from taking metadata that expired long ago. It is raised by times that the fleet
 * signed alone, never by the box's own clock, which may be wrong by years: such a floor would refuse everything for ever. And it
 * counts for the keys under which it was seen alone: after a theft of the online key, new keys in the root undo whatever
 * floors the thief signed (TUF 5.3.11 does the same for metadata).
 */
export class TrustFloors {
  private readonly file: string;
  private saved: Saved;

  constructor(dir: string) {
    this.file = join(dir, 'floors.json');
    this.saved = read(this.file);
  }

  /** The time to reckon with, epoch ms. @param wall what the box's clock says; null while it is not believed */
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
  return createHash('sha256')
    .update([...keys.keys()].sort().join('\n'))
    .digest('hex');
}

/** Written whole or not at all; one that does not read was put there by hand, and forgetting is the lesser harm than never updating. */
function read(file: string): Saved {
  try {
    return Saved.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCode(error)?.startsWith('E') === true && systemCode(error) !== 'ENOENT')
      throw new UsherError('store-unavailable', `${file}: ${messageOf(error)}`, { cause: error });
    return { v: 1, keys: '', time: 0, seen: {} };
  }
}
