/** Frames that the rate is taken over, and how long a silence still belongs to it, ms. */
const KEPT = 64;
const WINDOW_MS = 30_000;
/** A picture that stays the same for longer counts as still. */
const STANDS_MS = 3000;

/** The rate at which new pictures really come. */
export class FrameRate {
  private readonly times = new Float64Array(KEPT);
  private count = 0;
  private standing = false;

  /** @param mono capture time of a frame, ms */
  add(mono: number): void {
    // The pause of a picture that stood still says nothing about the camera's rate.
    if (this.standing) this.count = 0;
    this.standing = false;
    this.times[this.count++ % KEPT] = mono;
  }

  /** The picture repeats itself: a scene without any motion, or a camera that gives each picture several times. */
  repeat(mono: number): void {
    if (this.count > 0 && mono - (this.times[(this.count - 1) % KEPT] as number) > STANDS_MS) this.standing = true;
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
    return !this.standing && now - newest > 2 * mean ? Math.max(mean, (now - oldest) / frames) : mean;
  }
}
