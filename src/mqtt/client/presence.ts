import { type StatusPayload } from '../topics/payloads';

/** Milliseconds since 1970, in the year 144,000 and some. */
const LATEST_BIRTH = 2 ** 52;

/** What a status seen on the device's own topic means to the connection that reads it. */
export type StatusVerdict = 'ours' | 'stale' | 'ahead';

/**
 * The status of one device over its connections. Every connection takes a birth higher than all before, and its last will
 * carries the same birth, so a consumer that keeps the highest birth seen is never misled by a will that arrives late
 * (a broker notices a broken connection after 1.5 keepalives, long after the device is back).
 *
 * Births follow the wall clock, so that they grow across restarts without a file. Where the clock has gone back (no battery
 * behind it), the retained status on the broker is ahead of ours: `judge` says so, and the next birth is above it.
 */
export class Presence {
  private readonly bootId: string;
  private readonly now: () => number;
  private birth = 0;

  constructor(bootId: string, now: () => number) {
    this.bootId = bootId;
    this.now = now;
  }

  /** Call before each connection. */
  nextBirth(): number {
    this.birth = Math.max(this.birth + 1, Math.floor(this.now()), 1);
    return this.birth;
  }

  message(state: 'online' | 'offline'): StatusPayload {
    return { v: 1, state, bootId: this.bootId, birth: this.birth, at: Math.max(0, Math.floor(this.now())) };
  }

  judge(seen: StatusPayload): StatusVerdict {
    if (seen.birth > this.birth) {
      // Nobody is born so late by the clock, and above it there would be no room to rise: overwrite it.
      if (seen.birth > LATEST_BIRTH) return 'stale';
      this.birth = seen.birth;
      return 'ahead';
    }
    return seen.birth === this.birth && seen.bootId === this.bootId && seen.state === 'online' ? 'ours' : 'stale';
  }
}
