import { followRollout } from '../../src/fleet/manager/follow';
import { countRollout, decideRollout, type RolloutDecision } from '../../src/fleet/manager/rollout';
import type { BoxView, ReportedChannel } from '../../src/fleet/manager/view';
import { type Offer, rolloutPlace } from '../../src/fleet/release';
import { offerOf } from './samples';

const ALL = { kind: 'group', group: 'all' } as const;
const LIMITS = { maxFailures: 0.1, forgiven: 1, minAgreement: 0.9 };
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
    ...{ site: 'gym', device, online: true, birth: 1, seenAt: 1 },
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
const decide = (boxes: readonly BoxView[], of = offer()): RolloutDecision =>
  decideRollout(of, countRollout(boxes, ALL, of), LIMITS);

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
        told: ({ rollout }) => stages.push(rollout.stage),
        rest: () => Promise.resolve(false),
      });
    expect(await follow()).toBe(true);
    expect(stages).toEqual([0, 1, 2]);
    current = offer();
    boxes = first(4, 'rolled-back', { reason: 'crashed' });
    await expect(follow()).rejects.toThrow(/paused: 4 of 4 boxes failed: crashed 4/);
    expect(current.rollout).toMatchObject({ state: 'paused', stage: 0, why: '4 of 4 boxes failed: crashed 4' });
  });
});
