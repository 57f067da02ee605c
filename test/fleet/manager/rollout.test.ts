import { followRollout } from '../../../src/fleet/manager/follow';
import { seededRandom } from '../../../src/random';
import {
  type Counts,
  countRollout,
  decideRollout,
  nextStage,
  type RolloutDecision,
} from '../../../src/fleet/manager/rollout';
import { type BoxView, FleetView, type ReportedChannel } from '../../../src/fleet/manager/view';
import { type Offer, rolloutPlace } from '../../../src/fleet/release';
import { offerOf } from '../samples';

const ALL = { kind: 'group', group: 'all' } as const;
const LIMITS = { maxFailures: 0.1, forgiven: 1, minAgreement: 0.9, patienceMs: 1000, minCommitted: 0.5 };
const offer = (change: Partial<Offer['rollout']> = {}): Offer =>
  offerOf(1, { stages: [1000, 5000, 10_000], stage: 0, state: 'rolling', why: null, ...change });

type How = 'committed' | 'refused' | 'rolled-back' | 'idle' | 'silent' | 'none';

function box(device: string, how: How, change: Partial<ReportedChannel> = {}): BoxView {
  const { release, version } = offerOf(1);
  const ours = { release, version };
  const channel: ReportedChannel = {
    channel: 'face/encoder',
    active: how === 'committed' ? ours : { release: null, version: '0.9.0' },
    previous: null,
    state: how === 'silent' || how === 'none' ? 'idle' : how,
    candidate: how === 'idle' ? null : ours,
    ...{ bytes: null, attempt: 0, since: 1, reason: null, detail: null, agreement: null },
    ...change,
  };
  const reported = { v: 1 as const, at: 1, usher: '0.1.0', arch: 'x64', groups: [] };
  return {
    ...{ site: 'gym', device, online: true, offlineMs: null, birth: 1, seenAt: 1 },
    reported: how === 'silent' ? null : { ...reported, channels: how === 'none' ? [] : [channel] },
  };
}

/** Names of boxes whose place in the rollout lies in [from, to). */
function names(count: number, from: number, to: number): string[] {
  const found: string[] = [];
  for (let n = 0; found.length < count; n++) {
    const place = rolloutPlace(offer().release, 'gym', `box-${n}`);
    if (place >= from && place < to) found.push(`box-${n}`);
  }
  return found;
}
const first = (count: number, how: How, change: Partial<ReportedChannel> = {}): BoxView[] =>
  names(count, 0, 1000).map((name) => box(name, how, change));
const offline = (boxes: readonly BoxView[], offlineMs: number): BoxView[] =>
  boxes.map((one) => ({ ...one, online: false, offlineMs }));
const count = (boxes: readonly BoxView[], of = offer()): Counts => countRollout(boxes, ALL, of, LIMITS);
const decide = (boxes: readonly BoxView[], of = offer()): RolloutDecision =>
  decideRollout(of, count(boxes, of), LIMITS);

describe('what becomes of a rollout', () => {
  it.each<[string, BoxView[], Partial<Offer['rollout']>, RolloutDecision['kind']]>([
    ['nobody has reported', [box('x', 'silent')], {}, 'wait'],
    ['nobody has such a channel', [box('x', 'none')], {}, 'wait'],
    ['one of the stage is under way', [...first(3, 'committed'), ...first(4, 'idle').slice(3)], {}, 'wait'],
    ['all of the stage have it', first(4, 'committed'), {}, 'advance'],
    ['the stage reaches none of few boxes', names(2, 1000, 10_000).map((name) => box(name, 'idle')), {}, 'advance'],
    [
      'boxes of later stages have not begun',
      [...first(2, 'committed'), box(names(1, 1000, 5000)[0]!, 'idle')],
      {},
      'advance',
    ],
    ['all stages are open, and all have it', first(4, 'committed'), { stage: 2 }, 'finished'],
    ['one failure is forgiven', [...first(4, 'committed'), ...first(5, 'refused').slice(4)], { stage: 2 }, 'finished'],
    ['two of five failed', [...first(3, 'committed'), ...first(5, 'rolled-back').slice(3)], {}, 'pause'],
    [
      'two need a newer usher',
      [...first(3, 'committed'), ...first(5, 'refused', { reason: 'requires-usher' }).slice(3)],
      {},
      'advance',
    ],
    ['boxes decide otherwise', first(4, 'committed', { agreement: 0.8 }), {}, 'pause'],
    ['it is paused already', first(4, 'rolled-back'), { state: 'paused', why: 'by hand' }, 'wait'],
    [
      'one is offline, and not for long',
      [...first(3, 'committed'), ...offline(first(4, 'idle').slice(3), 999)],
      {},
      'wait',
    ],
    ['one is absent', [...first(3, 'committed'), ...offline(first(4, 'idle').slice(3), 1000)], {}, 'advance'],
    [
      'one went away on its way, and stays away',
      [...first(3, 'committed'), ...offline(first(4, 'idle', { state: 'transferred' }).slice(3), 1000)],
      {},
      'advance',
    ],
    [
      'one is absent, another under way',
      [...first(3, 'committed'), ...offline(first(4, 'idle').slice(3), 1000), ...first(5, 'idle').slice(4)],
      {},
      'wait',
    ],
    [
      'one of the last stage is absent',
      [...first(3, 'committed'), ...offline(first(4, 'idle').slice(3), 1000)],
      { stage: 2 },
      'finished',
    ],
    [
      'more are absent than have it',
      [...first(1, 'committed'), ...offline(first(3, 'idle').slice(1), 1000)],
      {},
      'wait',
    ],
    [
      'half have it, half are absent',
      [...first(2, 'committed'), ...offline(first(4, 'idle').slice(2), 1000)],
      {},
      'advance',
    ],
    ['all are absent', offline(first(3, 'idle'), 1000), {}, 'wait'],
    ['all are absent in the last stage', offline(first(3, 'idle'), 1000), { stage: 2 }, 'wait'],
    [
      'two that were absent came back, and failed',
      [...first(3, 'committed'), ...offline(first(5, 'rolled-back').slice(3), 1000)],
      {},
      'pause',
    ],
    ['boxes that have it are off', offline(first(3, 'committed'), 1000), {}, 'advance'],
  ])('%s', (_, boxes, rollout, expected) => {
    expect(decide(boxes, offer(rollout)).kind).toBe(expected);
  });

  it('says why boxes failed, the most frequent first', () => {
    const boxes = [
      ...first(2, 'refused', { reason: 'slow' }),
      ...first(5, 'rolled-back', { reason: 'drift' }).slice(2),
    ];
    expect(decide(boxes)).toEqual({ kind: 'pause', why: '5 of 5 boxes failed: drift 3, slow 2' });
  });

  it('waits where nearly all are away, and says so', () => {
    const boxes = [...first(1, 'committed'), ...offline(first(4, 'idle').slice(1), 1000)];
    expect(decide(boxes)).toEqual({
      kind: 'wait',
      why: '1 of 4 boxes have it, too few to go on without the absent ones',
    });
  });

  it('counts each box that is reached once, and opens nothing that too few have', () => {
    const random = seededRandom(5);
    const hows = ['committed', 'refused', 'rolled-back', 'idle'] as const;
    const all = names(12, 0, 10_000);
    let [advanced, waited] = [0, 0];
    for (let round = 0; round < 600; round++) {
      const boxes = all.slice(0, random.below(all.length + 1)).map((name): BoxView => {
        // Now and then a fleet that does well, or nothing with absent boxes would ever be opened.
        const how = random.next() < 0.5 ? 'committed' : (hows[random.below(hows.length)] ?? 'idle');
        const reason = random.next() < 0.5 ? 'requires-usher' : null;
        const one = box(name, how, { reason });
        return random.next() < 0.5 ? one : { ...one, online: false, offlineMs: random.below(2000) };
      });
      const counts = count(boxes, offer({ stage: 1 }));
      const { reached, committed, failed, excused, underWay, offline: away, absent } = counts;
      expect(committed + failed + excused + underWay + absent.length).toBe(reached);
      expect(away).toBeLessThanOrEqual(underWay);
      expect(absent).toEqual([...new Set(absent)]);
      const { kind } = decideRollout(offer({ stage: 1 }), counts, LIMITS);
      const patient = { ...LIMITS, patienceMs: Infinity };
      const waiting = countRollout(boxes, ALL, offer({ stage: 1 }), patient);
      expect(waiting).toMatchObject({ absent: [], underWay: underWay + absent.length, committed, failed, excused });
      // Patience decides for whom is waited, never what counts as failed.
      expect(decideRollout(offer({ stage: 1 }), waiting, patient).kind === 'pause').toBe(kind === 'pause');
      if (kind !== 'advance' || absent.length === 0) continue;
      expect(committed).toBeGreaterThanOrEqual(Math.max(1, (reached - excused) / 2));
      advanced++;
      if (decideRollout(offer({ stage: 1 }), counts, { ...LIMITS, minCommitted: 1 }).kind === 'wait') waited++;
    }
    expect(advanced).toBeGreaterThan(20);
    // Where all are asked for, no absent one is passed over.
    expect(waited).toBe(advanced);
  });

  it('is followed stage by stage, and stopped where boxes fail', async () => {
    let current = offer();
    let boxes: BoxView[] = first(4, 'committed');
    const stages: number[] = [];
    const follow = (): Promise<boolean> =>
      followRollout({
        ...{ scope: ALL, limits: LIMITS, offer: () => current, boxes: () => boxes },
        change: (to) => {
          current = { ...current, rollout: to(current.rollout) };
          return Promise.resolve();
        },
        onCounts: ({ rollout }) => stages.push(rollout.stage),
        rest: () => Promise.resolve(false),
      });
    expect(await follow()).toBe(true);
    expect(stages).toEqual([0, 1, 2]);
    current = offer();
    boxes = first(4, 'rolled-back', { reason: 'crashed' });
    await expect(follow()).rejects.toThrow(/paused: 4 of 4 boxes failed: crashed 4/);
    expect(current.rollout).toMatchObject({ state: 'paused', stage: 0, why: '4 of 4 boxes failed: crashed 4' });
  });

  it('keeps a stage open that somebody opened by hand while it was looked', async () => {
    let current = offer();
    let looks = 0;
    await followRollout({
      ...{ scope: ALL, limits: LIMITS, offer: () => current, boxes: () => first(4, 'committed') },
      change: (to) => {
        current = { ...current, rollout: to({ ...current.rollout, stage: 2 }) };
        return Promise.resolve();
      },
      onCounts: () => looks++,
      rest: () => Promise.resolve(false),
    });
    expect(current.rollout.stage).toBe(2);
    expect(looks).toBe(2);
  });

  it.each<[string, Partial<Offer['rollout']>, number | RegExp]>([
    ['the first stage is open', {}, 1],
    ['the last but one is open', { stage: 1 }, 2],
    ['the last is open', { stage: 2 }, /^the last stage of it is open already$/],
    ['it is paused', { state: 'paused', why: 'boxes failed' }, /^it is paused: boxes failed$/],
    ['it was taken back', { state: 'aborted', why: null }, /^it was taken back: no reason given$/],
  ])('has its next stage opened by hand: %s', (_, rollout, expected) => {
    const next = (): number => nextStage(offer(rollout).rollout, 'it').stage;
    if (typeof expected === 'number') expect(next()).toBe(expected);
    else expect(next).toThrow(expected);
  });
});

describe('how long a box is offline, as a manager knows it', () => {
  const BOOT = '00000000-0000-4000-8000-000000000000';
  const hear = (view: FleetView, state: 'online' | 'offline', birth: number, at: number): boolean =>
    view.hear('usher/v1/gym/box/status', Buffer.from(JSON.stringify({ v: 1, state, bootId: BOOT, birth, at })));

  it.each<[string, readonly (readonly [number, 'online' | 'offline', number])[], number | null]>([
    ['online', [[0, 'online', 1]], null],
    ['offline from the start: since the manager heard it', [[30, 'offline', 1]], 70],
    [
      'offline, and said again',
      [
        [10, 'offline', 1],
        [50, 'offline', 1],
      ],
      90,
    ],
    [
      'back',
      [
        [10, 'offline', 1],
        [50, 'online', 2],
      ],
      null,
    ],
    [
      'the late will of an earlier connection',
      [
        [10, 'online', 2],
        [50, 'offline', 1],
      ],
      null,
    ],
    [
      'back and away again',
      [
        [10, 'offline', 1],
        [40, 'online', 2],
        [60, 'offline', 2],
      ],
      40,
    ],
    [
      'back and away again, unheard',
      [
        [10, 'offline', 1],
        [60, 'offline', 2],
      ],
      40,
    ],
  ])('%s', (_, words, expected) => {
    let now = 0;
    const view = new FleetView(() => now);
    for (const [when, state, birth] of words) {
      now = when;
      // A clock of its own, of another century.
      hear(view, state, birth, birth === 1 ? 0 : 8e15);
    }
    now = 100;
    expect(view.all()).toMatchObject([{ offlineMs: expected }]);
  });

  it('is not known of a box that never said how it is', () => {
    const view = new FleetView(() => 5);
    const reported = { v: 1, at: 1, usher: '0.1.0', arch: 'x64', groups: [], channels: [] };
    view.hear('usher/v1/gym/box/update/reported', Buffer.from(JSON.stringify(reported)));
    expect(view.all()).toMatchObject([{ online: null, offlineMs: null }]);
  });
});
