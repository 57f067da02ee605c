import { Draws } from '../fuzz/random';
import { faultsOf } from './oracle';
import { play } from './play';
import { drawTimeline } from './timeline';

export interface Report {
  readonly timelines: number;
  readonly pictures: number;
  readonly analysed: number;
  readonly late: number;
  readonly decisions: number;
  readonly grants: number;
  /** Timelines without any fault, and how many of these let somebody in. */
  readonly calm: number;
  readonly calmWithGrants: number;
  readonly faults: readonly string[];
}

/** The same seed and ordinal give the same timeline again. */
export function proveTimelines(count: number, seed: number): Report {
  const faults: string[] = [];
  let [pictures, analysed, late, decisions, grants, calm, calmWithGrants] = [0, 0, 0, 0, 0, 0, 0];
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const timeline = drawTimeline(new Draws(seed, ordinal));
    const played = play(timeline);
    for (const fault of faultsOf(timeline, played)) faults.push(`timeline ${ordinal}: ${fault}`);
    pictures += timeline.pictures.length;
    analysed += played.analysed;
    late += played.late;
    decisions += played.decisions;
    grants += played.grants.length;
    calm += timeline.calm ? 1 : 0;
    calmWithGrants += timeline.calm && played.grants.length > 0 ? 1 : 0;
  }
  return { timelines: count, pictures, analysed, late, decisions, grants, calm, calmWithGrants, faults };
}
