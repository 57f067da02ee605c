/**
 * CLOCK_MONOTONIC in ms: the same number in every process of the machine, and untouched when the wall clock jumps.
 * What decides (deadlines, votes) reckons with it; what is told to others carries the wall clock.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
