import fc from 'fast-check';
import type { Unlock } from '../../../src/access/keys/unlock';
import { type Box, Rig } from './rig';

/** What may come over the topic, in any order. `pick` chooses among the messages recorded so far. */
type Event =
  | { readonly kind: 'legitimate'; readonly box: 0 | 1 }
  | { readonly kind: 'held'; readonly box: 0 | 1; readonly byMs: number }
  | { readonly kind: 'replayed'; readonly pick: number }
  | { readonly kind: 'retained'; readonly pick: number }
  | { readonly kind: 'flipped'; readonly pick: number; readonly bit: number }
  | { readonly kind: 'other-door'; readonly box: 0 | 1 }
  | { readonly kind: 'forged' }
  | { readonly kind: 'box-restarts'; readonly box: 0 | 1 }
  | { readonly kind: 'actuator-restarts' }
  | { readonly kind: 'time'; readonly ms: number };

const which = fc.constantFrom(0 as const, 1 as const);
const pick = fc.nat({ max: 1000 });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('legitimate' as const), box: which }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('held' as const), box: which, byMs: fc.integer({ min: 0, max: 8000 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('replayed' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retained' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flipped' as const), pick, bit: fc.nat({ max: 5000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('other-door' as const), box: which }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'forged' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('box-restarts' as const), box: which }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'actuator-restarts' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 4000 }) }) },
);

/**
 * The world around one actuator: what was issued, what arrived, what was obeyed. Every message that is obeyed must be one that a
 * trusted box issued for this door, unaltered, in its time, not obeyed before; every one that arrives fresh and in order must be.
 */
class World {
  readonly rig = new Rig();
  readonly boxes: readonly [Box, Box] = [this.rig.box(0), this.rig.box(1)];
  readonly issued = new Map<string, Unlock>();
  readonly recorded: Unlock[] = [];
  readonly obeyed = new Set<string>();
  /** Held-back messages and when they arrive, in the order of arrival. */
  readonly held: { readonly at: number; readonly unlock: Unlock }[] = [];

  constructor() {
    this.rig.settings = { ...this.rig.settings, limits: { ...this.rig.settings.limits, maxPerMinute: 6000 } };
  }

  issue(box: 0 | 1): Unlock {
    const unlock = this.boxes[box].unlock();
    this.issued.set(JSON.stringify(unlock), unlock);
    this.recorded.push(unlock);
    return unlock;
  }

  /** Lets a message arrive and checks what comes of it. */
  arrive(bytes: Buffer, retain = false): boolean {
    const opens = this.rig.hear(bytes, retain) === 'opens';
    if (!opens) return false;
    const unlock = this.issued.get(bytes.toString());
    expect(retain).toBe(false);
    expect(unlock).toBeDefined();
    expect(unlock!.notAfter).toBeGreaterThanOrEqual(this.rig.now);
    expect(this.obeyed.has(unlock!.nonce)).toBe(false);
    this.obeyed.add(unlock!.nonce);
    return true;
  }

  pass(ms: number): void {
    const until = this.rig.now + ms;
    for (;;) {
      const next = this.held.reduce((at, entry) => Math.min(at, entry.at), Infinity);
      if (next > until) break;
      this.rig.now = next;
      const index = this.held.findIndex(({ at }) => at === next);
      const [entry] = this.held.splice(index, 1);
      this.arrive(Buffer.from(JSON.stringify(entry!.unlock)));
    }
    this.rig.now = until;
  }

  play(event: Event): void {
    const chosen = 'pick' in event ? this.recorded[event.pick % Math.max(1, this.recorded.length)] : undefined;
    const bytes = Buffer.from(JSON.stringify(chosen ?? {}));
    switch (event.kind) {
      case 'legitimate':
        // A person at the door: whatever went on before, the door opens.
        expect(this.arrive(Buffer.from(JSON.stringify(this.issue(event.box))))).toBe(true);
        return;
      case 'held':
        this.held.push({ at: this.rig.now + event.byMs, unlock: this.issue(event.box) });
        return;
      case 'replayed':
        this.arrive(bytes);
        return;
      case 'retained':
        expect(this.arrive(bytes, true)).toBe(false);
        return;
      case 'flipped':
        bytes[(event.bit >> 3) % bytes.length]! ^= 1 << (event.bit & 7);
        expect(this.arrive(bytes)).toBe(false);
        return;
      case 'other-door':
        expect(this.rig.hear(this.boxes[event.box].unlock({ door: 'side' }))).toBe('wrong-door');
        return;
      case 'forged':
        expect(this.rig.hear(this.rig.forger().unlock())).toBe('unknown-key');
        return;
      case 'box-restarts':
        // No two runs of a box issue in one millisecond.
        this.pass(1);
        this.boxes[event.box].restart();
        return;
      case 'actuator-restarts':
        this.rig.restart();
        return;
      case 'time':
        this.pass(event.ms);
        return;
    }
  }
}

test('whatever comes over the topic: a person’s unlock opens, and nothing opens twice, late, altered or forged', () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 20, maxLength: 60 }), (events) => {
      const world = new World();
      try {
        for (const each of events) world.play(each);
        world.pass(10_000);
        // At the end everything that was ever recorded comes once more.
        for (const unlock of world.recorded) expect(world.rig.hear(unlock)).not.toBe('opens');
      } finally {
        world.rig.dispose();
      }
    }),
    { numRuns: Number(process.env['USHER_TRAFFIC_RUNS'] ?? 60) },
  );
}, 120_000);
