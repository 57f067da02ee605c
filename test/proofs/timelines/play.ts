import { step } from '../../../src/access/door/door';
import { CLOSED_DOOR, type Decision, type DoorEvent, type DoorSettings } from '../../../src/access/door-types';
import { isTimely } from '../../../src/access/frame-age';
import { UsherError } from '../../../src/errors';
import { createFrameClock, type FrameClock } from '../../../src/vision/camera/frame-clock';
import { LateWatch } from '../../../src/vision/camera/late-watch';
import { l2Distance } from '../../../src/store/members/vector';
import { SubjectTracker } from '../../../src/vision/faces/tracker';
import { type Picture, type Shown, type Timeline } from './timeline';

const VECTORS: Readonly<Record<'member' | 'stranger', Float32Array>> = {
  member: Float32Array.of(1, 0, 0, 0),
  stranger: Float32Array.of(0, 1, 0, 0),
};
const BOX = { x: 10, y: 10, width: 100, height: 120 };
const THRESHOLD = 0.9;
const TICK_MS = 200;

export interface Grant {
  readonly at: number;
  readonly decision: Decision;
}

export interface Played {
  readonly grants: readonly Grant[];
  readonly decisions: number;
  /** Looked at, and left out for being late. */
  readonly analysed: number;
  readonly late: number;
}

export function settingsFor({ mode, fps, latencyMs }: Timeline): DoorSettings {
  const interval = 1000 / fps;
  return {
    ...{ mode, verifyDistance: THRESHOLD, identifyDistance: THRESHOLD, frameDistance: THRESHOLD, margin: 0.05 },
    ...{ votes: 3, voteWindowMs: Math.max(2000, 5 * interval), voteSpacingMs: 30, latencyMs },
    ...{ deadlineMs: 5000 + latencyMs + 6 * interval, approachMs: 5000 + 6 * interval, cooldownMs: 2000 },
    absentMs: Math.max(800, 2.5 * interval),
    liveness: { mode: 'off', frames: 3, motion: 'watch' },
  };
}

/** Runs a timeline through what dates, sorts out, follows and decides; with the latest frame first, as the pipeline does. */
export function play(timeline: Timeline): Played {
  const box = new Box(timeline);
  const moments = [
    ...timeline.pictures.map((picture) => ({ at: picture.arrived, act: () => box.arrives(picture) })),
    ...timeline.swipes.map((at) => ({ at, act: () => box.swipe(at) })),
  ];
  const [first, last] = [timeline.pictures[0]?.arrived ?? 0, timeline.pictures.at(-1)?.arrived ?? 0];
  for (let at = first; at < last + 2000; at += TICK_MS)
    moments.push({ at, act: () => box.feed({ type: 'tick', at }, at) });
  moments.sort((a, b) => a.at - b.at);
  for (const { at, act } of moments) {
    box.workUntil(at);
    act();
  }
  return box;
}

class Box implements Played {
  readonly grants: Grant[] = [];
  decisions = 0;
  analysed = 0;
  late = 0;
  private readonly settings: DoorSettings;
  private readonly tracker: SubjectTracker;
  private clock: FrameClock;
  private watch: LateWatch;
  private state = step(CLOSED_DOOR, { type: 'camera', at: 0, live: true }, settingsFor(EMPTY)).state;
  private newest = -Infinity;
  private lastPixels = -1;
  private ended = false;
  private busyUntil: number | null = null;
  private inWork: { picture: Picture; mono: number } | null = null;
  private waiting: { picture: Picture; mono: number } | null = null;

  constructor(private readonly timeline: Timeline) {
    this.settings = settingsFor(timeline);
    const { absentMs } = this.settings;
    this.tracker = new SubjectTracker({ dimensions: 4, normalise: true, samePersonDistance: THRESHOLD, absentMs });
    [this.clock, this.watch] = this.newStream();
  }

  arrives(picture: Picture): void {
    const { latencyMs } = this.timeline;
    const now = picture.arrived;
    if (this.ended) return;
    if (picture.first) [this.clock, this.watch] = this.newStream();
    const mono = this.clock.date(now, picture.streamMs);
    try {
      this.watch.note(now, mono);
    } catch (error) {
      if (!(error instanceof UsherError)) throw error;
      // It is started again, which empties what held the pictures up: another timeline.
      this.ended = true;
    }
    // Pixels that are those of the frame before are no observation, whether that was in time or not.
    const frozen = picture.pixels === this.lastPixels;
    this.lastPixels = picture.pixels;
    if (mono <= this.newest || !isTimely(mono, now, latencyMs)) {
      this.late++;
      return;
    }
    this.newest = mono;
    if (frozen) return;
    if (this.inWork === null) this.begin({ picture, mono }, now);
    else this.waiting = { picture, mono };
  }

  workUntil(now: number): void {
    while (this.inWork !== null && this.busyUntil !== null && this.busyUntil <= now) {
      const { picture, mono } = this.inWork;
      const at = this.busyUntil;
      this.inWork = null;
      this.observe(picture.shows, mono, at);
      if (this.waiting !== null) this.begin(this.waiting, at);
      this.waiting = null;
    }
  }

  swipe(at: number): void {
    this.feed({ type: 'swipe', at, reader: 'r', standing: { kind: 'active', member: 'member' } }, at);
  }

  feed(event: DoorEvent, now: number): void {
    const { state, decisions } = step(this.state, event, this.settings);
    this.state = state;
    this.decisions += decisions.length;
    for (const decision of decisions) if (decision.outcome === 'granted') this.grants.push({ at: now, decision });
  }

  private newStream(): [FrameClock, LateWatch] {
    const { times, allowedFps: fps, latencyMs } = this.timeline;
    return [createFrameClock({ times, fps, latencyMs }), new LateWatch('camera', latencyMs)];
  }

  private begin(work: { picture: Picture; mono: number }, now: number): void {
    this.inWork = work;
    this.busyUntil = now + this.timeline.analysisMs;
  }

  private observe(shows: Shown, mono: number, now: number): void {
    this.analysed++;
    const seen = shows === null ? null : this.tracker.update(mono, BOX, VECTORS[shows], 1);
    if (!isTimely(mono, now, this.settings.latencyMs)) return this.feed({ type: 'tick', at: now }, now);
    if (shows === null || seen === null) return this.feed({ type: 'empty', at: mono }, now);
    const distance = l2Distance(seen.fused ?? VECTORS[shows], VECTORS.member);
    const nearness = { member: 'member', distance, frameDistance: l2Distance(VECTORS[shows], VECTORS.member) };
    const claimed = this.state.claim === null ? null : nearness;
    const nearest = this.state.claim === null && this.settings.mode !== 'verify' ? [nearness] : [];
    this.feed({ type: 'face', at: mono, track: seen.track, evidence: { kind: 'encoded', nearest, claimed } }, now);
  }
}

const EMPTY = { mode: 'verify', fps: 10, latencyMs: 0 } as Timeline;
