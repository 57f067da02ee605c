import type { DecisionPayload } from '../../../mqtt/topics/payloads';
import type { BenchClient } from './client';
import { atMost, type Figure, withGoal } from '../../report/figure';
import { median, quantile } from '../../../quantile';
import { seededRandom } from '../../../random';

/** One swipe with the member's face in view. */
export interface SwipeTiming {
  /** From the publish of the swipe to the arrival of the unlock at the same client, ms; null without an unlock. */
  readonly toUnlockMs: number | null;
  /** From the swipe to the frame that decided, and from that frame's capture to the unlock, ms (resolution 1 ms). */
  readonly gatheringMs: number | null;
  readonly decidingMs: number | null;
  /** Reason code of the decision; null if none came. */
  readonly reason: string | null;
}

export interface SwipeOptions {
  readonly reader: string;
  readonly member: string;
  readonly swipes: number;
  /** Not counted: at the first use code is loaded and compiled. */
  readonly warmUp: number;
  /** Counter of the first swipe; a reader's counter always grows. */
  readonly first?: number;
  readonly onProgress?: (share: number) => void;
}

const ANSWER_MS = 15_000;
/**
 * Pause between the answer and the next swipe: long and irregular enough that swipes fall anywhere between two frames.
 */
const PAUSE_MS = [120, 400] as const;

/** Swipes repeatedly and measures each time to the unlock. */
export async function measureSwipes(client: BenchClient, options: SwipeOptions): Promise<SwipeTiming[]> {
  const random = seededRandom(1);
  const timings: SwipeTiming[] = [];
  const total = options.warmUp + options.swipes;
  for (let i = 0; i < total; i++) {
    const timing = await swipeOnce(client, options, (options.first ?? 0) + i);
    if (i >= options.warmUp) timings.push(timing);
    options.onProgress?.((i + 1) / total);
    await new Promise((resolve) => setTimeout(resolve, random.between(...PAUSE_MS)));
  }
  return timings;
}

async function swipeOnce(client: BenchClient, options: SwipeOptions, counter: number): Promise<SwipeTiming> {
  const unlocks = new Map<string, { readonly at: number; readonly epoch: number }>();
  const sentEpoch = Date.now();
  const sentAt = performance.now();
  // Unlock and decision come on two connections of the daemon, in either order.
  let said: DecisionPayload | null = null;
  const decided = client.next(ANSWER_MS, (heard) => {
    if (heard.kind === 'unlock') unlocks.set(heard.payload.decision, { at: heard.at, epoch: Date.now() });
    if (heard.kind === 'decision') said = heard.payload;
    return said !== null && (said.outcome === 'denied' || unlocks.has(said.decision)) ? said : null;
  });
  client.swipe(options.reader, options.member, counter);
  const decision = await decided;
  const unlock = decision === null ? undefined : unlocks.get(decision.decision);
  if (decision === null || unlock === undefined)
    return { toUnlockMs: null, gatheringMs: null, decidingMs: null, reason: decision?.reason ?? null };
  return {
    toUnlockMs: unlock.at - sentAt,
    gatheringMs: decision.at - sentEpoch,
    decidingMs: unlock.epoch - decision.at,
    reason: decision.reason,
  };
}

/** Figures in ms. A swipe without an unlock counts as infinitely late: without it the percentile would be too good. */
export function swipeFigures(timings: readonly SwipeTiming[]): Figure[] {
  const waits = timings.map(({ toUnlockMs }) => toUnlockMs ?? Infinity);
  const answered = timings.filter(({ toUnlockMs }) => toUnlockMs !== null);
  const of = (name: string, value: number): Figure => ({
    name: `door.${name}`,
    value: Number.isFinite(value) ? value : null,
    unit: 'ms',
    ...(Number.isFinite(value) ? {} : { note: 'too many swipes had no unlock' }),
  });
  const part = (key: 'gatheringMs' | 'decidingMs'): number => median(answered.map((timing) => timing[key] ?? Infinity));
  return [
    withGoal(of('swipe_to_unlock_p95_ms', quantile(waits, 0.95)), atMost(500)),
    of('swipe_to_unlock_p50_ms', quantile(waits, 0.5)),
    of('swipe_to_unlock_max_ms', Math.max(...waits)),
    of('swipe_to_deciding_frame_p50_ms', part('gatheringMs')),
    of('deciding_frame_to_unlock_p50_ms', part('decidingMs')),
    withGoal({ name: 'door.swipes_without_unlock', value: timings.length - answered.length, unit: '' }, atMost(0)),
  ];
}
