/** Frames that the rate is taken over, and how long a silence still belongs to it, ms. */
const KEPT = 64;
const WINDOW_MS = 30_000;

/** The rate at which new pictures really come. */
export class FrameRate {
  private readonly times = new Float64Array(KEPT);
  private count = 0;

  /** @param mono capture time of a frame, ms */
  add(mono: number): void {
    this.times[this.count++ % KEPT] = mono;
  }

  /** Mean interval of the last frames, ms; null before there are two. A silence that outlasts the mean makes it longer. */
  intervalMs(now: number): number | null {
    const kept = Math.min(this.count, KEPT);
    if (kept < 2) return null;
    const newest = this.times[(this.count - 1) % KEPT] as number;
    let frames = 1;
    let oldest = newest;
    for (let i = 2; i <= kept; i++) {
      const time = this.times[(this.count - i) % KEPT] as number;
      if (newest - time > WINDOW_MS && frames >= 2) break;
      oldest = time;
      frames++;
    }
    const mean = (newest - oldest) / (frames - 1);
    return Math.max(mean, now - newest > 2 * mean ? (now - oldest) / frames : 0);
  }
}
