import type { CameraConfig } from '../schema/cameras';
import type { DoorConfig } from '../schema/doors';
import type { ReferenceFault } from './fault';

/** What a slow camera means for its doors: rate × votes × window × absence × deadline. All in ms. */

/** fswebcam opens the device again for every capture. */
const STILL_MS = 1000;
const DEFAULT_FPS = 15;
const DEFAULT_STILLS_MS = 1000;
/** Frames come later than they should now and then, and one may be missed. */
const SLACK = 1.5;
/** The defaults for cameras that are fast enough, and the highest that the schema allows. */
const FAST = { voteWindowMs: 2000, absentMs: 800, deadlineMs: 5000, approachMs: 5000 } as const;
const MOST = { voteWindowMs: 30_000, absentMs: 10_000, deadlineMs: 60_000, approachMs: 60_000 } as const;
const FAST_STALL_MS = 3000;
const MOST_STALL_MS = 600_000;

type Needs = Pick<DoorConfig, 'votes' | 'voteWindowMs' | 'absentMs'>;

/** Configured time between two frames, ms. */
export function frameIntervalMs({ source, fps }: Pick<CameraConfig, 'source' | 'fps'>): number {
  return source.type === 'webcam-stills' ? Math.max(STILL_MS, source.intervalMs) : 1000 / fps;
}

/** Frames may be so far apart for the votes of this door to be gathered at all. */
export function longestIntervalMs({ votes, voteWindowMs, absentMs }: Needs): number {
  return Math.min(absentMs, votes > 1 ? voteWindowMs / (votes - 1) : Infinity);
}

type Entry = Readonly<Record<string, unknown>>;
const entryOf = (value: unknown): Entry => (typeof value === 'object' && value !== null ? (value as Entry) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && value > 0 ? value : otherwise;

function intervalOf(camera: Entry): number {
  const source = entryOf(camera['source']);
  return source['type'] === 'webcam-stills'
    ? Math.max(STILL_MS, numberOf(source['intervalMs'], DEFAULT_STILLS_MS))
    : 1000 / numberOf(camera['fps'], DEFAULT_FPS);
}

/** What the file does not say of times is chosen from the rate of the camera. Takes and gives plain data, valid or not. */
export function withTimesOfRate(plain: unknown): unknown {
  const config = entryOf(plain);
  if (!Array.isArray(config['cameras'])) return plain;
  const cameras = listOf(config['cameras']).map((value) => {
    const camera = entryOf(value);
    const stallMs = Math.min(MOST_STALL_MS, Math.max(FAST_STALL_MS, Math.ceil(3 * intervalOf(camera))));
    return stallMs === FAST_STALL_MS || value !== camera ? value : { stallMs, ...camera };
  });
  if (!Array.isArray(config['doors'])) return { ...config, cameras };
  const doors = listOf(config['doors']).map((value) => {
    const door = entryOf(value);
    const camera = cameras.map(entryOf).find(({ id }) => id === door['camera']);
    return camera === undefined || value !== door ? value : { ...timesFor(door, camera), ...door };
  });
  return { ...config, cameras, doors };
}

function timesFor(door: Entry, camera: Entry): Partial<Record<keyof typeof FAST, number>> {
  const interval = intervalOf(camera);
  const votes = numberOf(door['votes'], 3);
  const gather = votes * interval * SLACK;
  const latency = numberOf(camera['latencyMs'], 0);
  const wanted = {
    voteWindowMs: gather,
    absentMs: 2.5 * interval,
    deadlineMs: gather + interval + latency,
    approachMs: gather + interval,
  };
  const times: Partial<Record<keyof typeof FAST, number>> = {};
  for (const key of ['voteWindowMs', 'absentMs', 'deadlineMs', 'approachMs'] as const)
    if (wanted[key] > FAST[key]) times[key] = Math.min(MOST[key], Math.ceil(wanted[key]));
  return times;
}

/** Times that cannot go together. `plain` is what `withTimesOfRate` gave. */
export function rateFaults(plain: unknown): ReferenceFault[] {
  const config = entryOf(plain);
  const cameras = listOf(config['cameras']).map(entryOf);
  const slow = cameras.flatMap((camera, index) => {
    const interval = intervalOf(camera);
    return numberOf(camera['stallMs'], FAST_STALL_MS) > interval
      ? []
      : [
          {
            path: ['cameras', index, 'stallMs'],
            message: `must be more than ${every(interval)}, or it counts as stalled`,
          },
        ];
  });
  return [
    ...slow,
    ...listOf(config['doors']).flatMap((value, index) => {
      const door = entryOf(value);
      const camera = cameras.find(({ id }) => id === door['camera']);
      return camera === undefined ? [] : doorFaults(door, camera, index);
    }),
  ];
}

function doorFaults(door: Entry, camera: Entry, index: number): ReferenceFault[] {
  const interval = intervalOf(camera);
  const votes = numberOf(door['votes'], 3);
  const latency = numberOf(camera['latencyMs'], 0);
  const mode = door['mode'] ?? 'verify';
  const time = (key: keyof typeof FAST): number => numberOf(door[key], FAST[key]);
  const fault = (key: keyof typeof FAST, least: number, why: string): ReferenceFault[] =>
    time(key) >= least
      ? []
      : [
          {
            path: ['doors', index, key],
            message: `the camera gives ${every(interval)}, and ${why}: at least ${Math.ceil(least)}, fewer votes, or a faster camera`,
          },
        ];
  return [
    ...fault('voteWindowMs', (votes - 1) * interval, `${votes} votes cannot be gathered within this time`),
    ...fault('absentMs', interval, 'a person who stands there would count as gone between two of them'),
    ...(mode === 'identify'
      ? []
      : fault('deadlineMs', votes * interval + latency, `a swipe needs ${votes} of them in time`)),
    ...(mode === 'verify' ? [] : fault('approachMs', (votes - 1) * interval, `a face needs ${votes} of them in time`)),
  ];
}

function every(interval: number): string {
  return interval >= 1000
    ? `a picture every ${(interval / 1000).toFixed(1)} s`
    : `a picture every ${interval.toFixed(0)} ms`;
}
