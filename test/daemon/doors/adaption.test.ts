import fc from 'fast-check';
import type { Decision } from '../../../src/access/door-types';
import { PolicyKeeper } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { DoorConfig } from '../../../src/config/schema/doors';
import { Doors } from '../../../src/daemon/doors/doors';
import { HealthBoard } from '../../../src/daemon/health/health';
import { LIVENESS_ABSENT, type LivenessState, type Observation } from '../../../src/events';
import { l2Distance } from '../../../src/store/members/vector';
import { createLog } from '../../../src/system/log';
import { ENCODER, faceAt, Members, observation, SPACE } from '../../support/members';

const HOUR = 3_600_000;
/** Noon of a Monday; the card alone is enough from 20:00 on. */
const NOON = Date.UTC(2026, 0, 5, 12);
const STRICT = 0.8;

/** Real store, roster, rules and automaton; the clock is the test's. */
class Site {
  now = 10_000;
  readonly members: Members;
  readonly decisions: Decision[] = [];
  private readonly doors: Doors;

  constructor(config: object = {}) {
    jest.spyOn(Date, 'now').mockImplementation(() => NOON + this.now);
    this.members = new Members();
    const door = DoorConfig.parse({
      ...{
        id: 'front',
        camera: 'cam',
        readers: ['r'],
        adaptTemplates: true,
        cooldownMs: 0,
        liveness: { mode: 'advise' },
      },
      ...config,
    });
    const night = {
      timeZone: 'UTC',
      schedules: {
        night: { weekly: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '20:00', to: '24:00' }] },
      },
    };
    const doors = { front: { modes: [{ schedule: 'night', mode: 'card-only' }] } };
    const policy = new PolicyKeeper(
      compilePolicy(PolicyConfig.parse({ ...night, doors }), [door]),
      (id) => this.members.roster.rightsOf(id),
      () => ({ mono: this.now, wall: NOON + this.now }),
    );
    this.doors = new Doors({
      doors: [door],
      table: ENCODER.thresholds,
      roster: this.members.roster,
      announcer: {
        announce: (_, decision) => void this.decisions.push(decision),
        alarm: () => undefined,
        recover: () => undefined,
      },
      health: new HealthBoard(() => undefined),
      monotonicMs: () => this.now,
      log: createLog({ level: 'error', format: 'text', write: () => undefined }),
      policy,
    });
    this.doors.cameraLive('cam', true);
  }

  see(face: Float32Array | null, options: Parameters<typeof observation>[2] = {}): Observation {
    this.now += 100;
    const frame = observation(this.now, face, options);
    this.doors.observe(frame);
    return frame;
  }

  swipe(id: string): void {
    this.now += 10;
    this.doors.swipe('r', id);
  }

  tick(): void {
    this.doors.tick();
  }

  wait(ms: number): void {
    this.now += ms;
    this.doors.tick();
  }

  adapted(member: string): Float32Array[] {
    return this.members.store.templates
      .list(member)
      .filter(({ source }) => source === 'adapted')
      .map(({ vector }) => vector);
  }

  close(): void {
    this.members.remove();
    jest.restoreAllMocks();
  }
}

let site: Site;
afterEach(() => site.close());

test('a card alone, with a stranger in view: the stranger’s face is nobody’s template and opens nothing', () => {
  site = new Site({ mode: 'either' });
  site.members.add('ann', faceAt(0));
  site.wait(9 * HOUR);
  for (let i = 0; i < 5; i++) site.see(faceAt(4));
  site.swipe('ann');
  for (let i = 0; i < 5; i++) site.see(faceAt(4));
  expect(site.decisions.at(-1)).toMatchObject({ outcome: 'granted', reason: 'card', member: 'ann' });
  expect(site.adapted('ann')).toEqual([]);
  site.wait(12 * HOUR);
  site.decisions.length = 0;
  for (let i = 0; i < 80; i++) site.see(faceAt(4), { track: 2 });
  expect(site.decisions.map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual(['denied unknown-face']);
});

test('a member’s good face is kept once a day, at most three, and the journal could say where and how near', () => {
  site = new Site();
  site.members.add('ann', faceAt(0));
  const record = jest.spyOn(site.members.store.ledger, 'append');
  for (let day = 0; day < 5; day++) {
    for (let visit = 0; visit < 2; visit++) {
      site.swipe('ann');
      for (let i = 0; i < 4; i++) site.see(faceAt(0, 0.1 * (day + 1)), { track: day * 2 + visit + 1 });
      for (let i = 0; i < 20; i++) site.see(null);
    }
    site.wait(24 * HOUR);
  }
  expect(site.decisions.filter(({ outcome }) => outcome === 'granted')).toHaveLength(10);
  expect(site.adapted('ann').map((vector) => l2Distance(vector, faceAt(0)).toFixed(2))).toEqual([
    '0.30',
    '0.40',
    '0.49',
  ]);
  expect(site.members.store.templates.list('ann')).toHaveLength(4);
  expect(record).toHaveBeenCalledTimes(5);
  expect(record.mock.calls[0]).toMatchObject(['adaptation', { member: 'ann', door: 'front', instead: 0 }]);
});

type Act =
  | {
      readonly kind: 'frames';
      readonly axis: number;
      readonly radians: number;
      readonly quality: number;
      readonly liveness: LivenessState;
      readonly track: number;
      readonly count: number;
      readonly other: boolean;
    }
  | { readonly kind: 'swipe'; readonly id: string }
  | { readonly kind: 'wait'; readonly ms: number };

const face = fc.record({
  kind: fc.constant('frames' as const),
  axis: fc.constantFrom(0, 3, 5),
  radians: fc.constantFrom(0, 0.3, 0.6, 0.75, 1, 1.2, 1.5),
  quality: fc.constantFrom(0.79, 0.9),
  liveness: fc.constantFrom<LivenessState>('live', 'live', 'absent', 'fake', 'undecided'),
  track: fc.integer({ min: 1, max: 3 }),
  count: fc.integer({ min: 1, max: 5 }),
  /** The frame's own vector is a stranger's. */
  other: fc.boolean(),
});
/** A good visit of somebody whose looks have changed more or less; repeated over days, the way to creep. */
const visit = fc
  .record({
    who: fc.constantFrom<[string, number]>(['ann', 0], ['bob', 3]),
    radians: fc.constantFrom(0.3, 0.6, 0.75, 1, 1.2, 1.5),
    track: fc.integer({ min: 4, max: 9 }),
  })
  .map(({ who: [id, axis], radians, track }): Act[] => [
    { kind: 'wait', ms: 25 * HOUR },
    { kind: 'swipe', id },
    { kind: 'frames', axis, radians, quality: 0.9, liveness: 'live', track, count: 5, other: false },
  ]);
const single: fc.Arbitrary<Act> = fc.oneof(
  { arbitrary: face, weight: 4 },
  {
    arbitrary: fc.record({ kind: fc.constant('swipe' as const), id: fc.constantFrom('ann', 'bob', 'cid', 'nobody') }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(50, 900, 6000, 9 * HOUR, 25 * HOUR),
    }),
    weight: 2,
  },
);
const acts = fc
  .array(
    fc.oneof(
      single.map((act) => [act]),
      visit,
    ),
    { minLength: 5, maxLength: 30 },
  )
  .map((some) => some.flat());

test.each(['verify', 'identify', 'either'])(
  'mode %s: whatever happens, a template is the matched face of its member, near to what was enrolled',
  (mode) => {
    let kept = 0;
    fc.assert(
      fc.property(acts, fc.constantFrom('off', 'advise'), (script, liveness) => {
        site = new Site({ mode, liveness: { mode: liveness } });
        const { members } = site;
        const enrolled = { ann: faceAt(0), bob: faceAt(3), cid: faceAt(1) };
        for (const [id, vector] of Object.entries(enrolled)) members.add(id, vector);
        members.store.members.update('cid', { status: 'suspended' });
        members.roster.load();
        const before = new Set<number>();
        const look = (frame: Observation | null, granted: readonly Decision[]): void => {
          for (const [id, vector] of Object.entries(enrolled))
            for (const template of members.store.templates.list(id)) {
              if (template.source !== 'adapted' || before.has(template.id)) continue;
              before.add(template.id);
              kept++;
              expect(frame?.subject?.embedding).toEqual(template.vector);
              expect(granted.map(({ reason, member }) => [reason, member])).toEqual([['match', id]]);
              expect(frame?.subject?.quality.score).toBeGreaterThanOrEqual(0.8);
              expect(['live', 'absent']).toContain(frame?.subject?.liveness.state);
              for (const face of [frame?.subject?.embedding, frame?.subject?.fused])
                for (const [other, theirs] of Object.entries(enrolled)) {
                  const distance = l2Distance(face!, theirs);
                  if (other === id) expect(distance).toBeLessThanOrEqual(STRICT + 1e-6);
                  else expect(distance).toBeGreaterThan(STRICT);
                }
              expect(l2Distance(template.vector, vector)).toBeLessThanOrEqual(STRICT + 1e-6);
            }
        };
        for (const act of script) {
          if (act.kind === 'frames')
            for (let i = 0; i < act.count; i++) {
              const from = site.decisions.length;
              const state = { ...LIVENESS_ABSENT, state: act.liveness };
              const seen = faceAt(act.axis, act.radians);
              const frame = site.see(seen, {
                ...act,
                liveness: state,
                embedding: act.other ? faceAt(6) : seen,
                space: SPACE,
              });
              look(
                frame,
                site.decisions.slice(from).filter(({ outcome }) => outcome === 'granted'),
              );
            }
          else {
            const from = site.decisions.length;
            if (act.kind === 'swipe') site.swipe(act.id);
            else site.wait(act.ms);
            look(null, site.decisions.slice(from));
          }
        }
        site.close();
      }),
      { numRuns: 40 },
    );
    site = new Site();
    // A property that never saw a template would hold of anything.
    expect(kept).toBeGreaterThan(5);
  },
);
