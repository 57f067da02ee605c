import type { Liveness, LivenessState } from '../../events';
import type { FiveLandmarks } from '../picture/frame';
import { ParallaxMeter } from './parallax';

/**
 * Gives a verdict from the frames of one track. Frames of one presentation share most of what could mislead the network, so
 * their mean helps against noise and blur, not against a good picture.
 *
 * Invariants:
 * - `live` and `fake` rest on at least `LEAST_SCORES` scored frames of this track, none older than `MEMORY_MS`.
 * - Once fake, a track is live again only after as many further frames as the window holds have a live mean, so that a
 *   picture does not get a new chance with every frame.
 * - A face that moves like a flat picture is fake, whatever the network says.
 */
export class LivenessJudge {
  private readonly scores = new Float64Array(WINDOW);
  private readonly times = new Float64Array(WINDOW);
  private readonly parallax = new ParallaxMeter();
  private count = 0;
  /** Scores since the track was last found fake; null when it never was. */
  private sinceFake: number | null = null;
  private framesUntilScore = 0;
  private noContext = false;

  /** A new person stands there: nothing of the one before may speak for him. */
  reset(): void {
    this.count = 0;
    this.sinceFake = null;
    this.framesUntilScore = 0;
    this.noContext = false;
    this.parallax.reset();
  }

  /** Whether to score this frame: each one until there is a verdict, every `SPARSE`-th afterwards. */
  wantsScore(at: number): boolean {
    this.forget(at);
    return this.recent < LEAST_SCORES || this.framesUntilScore <= 0;
  }

  /** Landmarks of every frame whose geometry suits, scored or not. */
  move(five: FiveLandmarks): void {
    this.parallax.add(five);
    this.framesUntilScore--;
  }

  /** @param score what `LivenessModel.score` gave for a frame taken at `at` ms; null when the surroundings were missing */
  add(at: number, score: number | null): void {
    this.noContext = score === null;
    if (score === null) return;
    this.framesUntilScore = SPARSE;
    const slot = this.count % WINDOW;
    this.scores[slot] = clamp(score);
    this.times[slot] = at;
    this.count++;
    if (this.sinceFake !== null) this.sinceFake++;
    const mean = this.mean();
    if (this.recent >= LEAST_SCORES && mean <= FAKE_BELOW) this.sinceFake = 0;
  }

  verdict(at: number): Liveness {
    this.forget(at);
    const { parallax } = this.parallax.read();
    const frames = this.recent;
    const score = frames === 0 ? null : this.mean();
    if (parallax === 'flat') this.sinceFake = 0;
    return { state: this.stateOf(score, frames), score, frames, motion: parallax };
  }

  private stateOf(score: number | null, frames: number): LivenessState {
    if (this.sinceFake !== null && this.sinceFake < WINDOW) return 'fake';
    if (score === null || frames < LEAST_SCORES || this.noContext) return 'undecided';
    return score >= LIVE_ABOVE ? 'live' : 'undecided';
  }

  /** Scores that still count. */
  private get recent(): number {
    return Math.min(this.count, WINDOW);
  }

  private mean(): number {
    const n = this.recent;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += this.scores[i] as number;
    return sum / n;
  }

  /** All of them, once the newest is too old: they are of one sight. */
  private forget(at: number): void {
    if (this.count === 0) return;
    const newest = this.times[(this.count - 1) % WINDOW] as number;
    if (!(at - newest <= MEMORY_MS)) this.count = 0;
  }
}

/** Logits of 5 frames are averaged. */
export const WINDOW = 5;
export const LEAST_SCORES = 3;
/** While a verdict stands, every fifth frame is enough: at 15 frames a second, three times a second. */
export const SPARSE = 5;
export const MEMORY_MS = 3000;
/** Mean logits: live from here on, fake down from there, undecided between. */
export const LIVE_ABOVE = 0.5;
export const FAKE_BELOW = -0.5;
/** One very sure frame must not outweigh four. */
const CLAMP = 6;

const clamp = (score: number): number => Math.min(CLAMP, Math.max(-CLAMP, score));
