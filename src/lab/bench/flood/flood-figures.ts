import type { SwipeTiming } from '../daemon/swipes';
import { atLeast, atMost, type Figure, withGoal } from '../../report/figure';
import { quantile } from '../../../quantile';

export interface FloodMeasured {
  readonly idle: readonly SwipeTiming[];
  /** During the same flood on topics of another box: the cost of the broker and the flooder alone. */
  readonly bystander: readonly SwipeTiming[];
  readonly flooded: readonly SwipeTiming[];
  /** Swipes that began at least a second after the end of a flood. */
  readonly after: readonly SwipeTiming[];
  /** Messages a second that were sent. */
  readonly rate: number;
}

/** A swipe without an unlock counts as infinitely late: without it the percentile would be too good. */
const at = (timings: readonly SwipeTiming[], share: number): number =>
  quantile(
    timings.map(({ toUnlockMs }) => toUnlockMs ?? Infinity),
    share,
  );

export function floodFigures({ idle, bystander, flooded, after, rate }: FloodMeasured): Figure[] {
  const figure = (name: string, value: number, unit: string): Figure => ({
    name: `door.${name}`,
    value: Number.isFinite(value) ? value : null,
    unit,
    ...(Number.isFinite(value) ? {} : { note: 'too many swipes had no unlock' }),
  });
  const p95 = at(idle, 0.95);
  const unanswered = [...idle, ...bystander, ...flooded, ...after].filter(({ toUnlockMs }) => toUnlockMs === null);
  return [
    withGoal(figure('p95_under_flood_ratio', at(flooded, 0.95) / p95, 'x'), atMost(2)),
    withGoal(figure('p95_one_second_after_flood_ratio', at(after, 0.95) / p95, 'x'), atMost(2)),
    figure('p95_flood_elsewhere_ratio', at(bystander, 0.95) / p95, 'x'),
    figure('p95_idle_ms', p95, 'ms'),
    figure('p95_under_flood_ms', at(flooded, 0.95), 'ms'),
    figure('p95_flood_elsewhere_ms', at(bystander, 0.95), 'ms'),
    figure('p95_one_second_after_flood_ms', at(after, 0.95), 'ms'),
    figure('p50_idle_ms', at(idle, 0.5), 'ms'),
    figure('p50_under_flood_ms', at(flooded, 0.5), 'ms'),
    withGoal(figure('flood_messages_per_s', rate, '1/s'), atLeast(9900)),
    withGoal(figure('swipes_without_unlock', unanswered.length, ''), atMost(0)),
  ];
}
