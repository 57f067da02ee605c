import { seededRandom } from '../../../src/random';
import { Journal } from '../../../src/store/journal/journal';
import { join } from 'node:path';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import type { Entrance } from '../../support/entrance';

/** Who hears the signal. `timeout`: the process and then its whole group, as GNU timeout and npm do it. */
const WAYS = ['main', 'group', 'timeout'] as const;
const MOMENTS = ['start', 'service', 'decision'] as const;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** The start takes about a second on a quick machine. */
const START_MS = 1500;

export interface StopTally {
  readonly stops: number;
  readonly whole: number;
  /** Stops that named what was not in time. */
  readonly late: number;
  /** Signals before the process listened for any: nothing had been started. */
  readonly early: number;
  readonly by: Readonly<Record<string, number>>;
}

export async function stopPlace(entrance: Entrance): Promise<Installation> {
  const place = await Installation.make({
    mqtt: { broker: { type: 'embedded', port: 0 } },
    cameras: [{ id: 'cam', source: { type: 'ffmpeg', input: entrance.clip, loop: true }, fps: 5 }],
    doors: [{ id: 'front', camera: 'cam', readers: ['front-reader'], deadlineMs: 5000 }],
  });
  const { code, stderr } = await place.enroll('4711', entrance.still);
  if (code !== 0) throw new Error(stderr);
  return place;
}

/**
 * Starts and stops a real daemon again and again, with every way, moment and signal in turn, and throws at the first stop that is
 * not whole: no last line, no record in the journal, or a process that is left.
 */
export async function tortureStops(
  place: Installation,
  { stops, seed, told = () => undefined }: { stops: number; seed: number; told?: (tally: StopTally) => void },
): Promise<StopTally> {
  const random = seededRandom(seed);
  const by: Record<string, number> = {};
  const tally = { stops: 0, whole: 0, late: 0, early: 0, by };
  let records = 0;
  for (; tally.stops < stops; tally.stops++) {
    const i = tally.stops;
    const way = WAYS[i % WAYS.length] ?? 'main';
    const moment = MOMENTS[Math.floor(i / WAYS.length) % MOMENTS.length] ?? 'start';
    const signal = SIGNALS[Math.floor(random.next() * SIGNALS.length)] ?? 'SIGTERM';
    const about = `stop ${i} of seed ${seed}: ${signal} to ${way} during ${moment}`;
    const daemon = Daemon.startGroup(place);
    const group = daemon.process.pid ?? NaN;
    await reach(daemon, moment, random.next());
    if (way !== 'group') daemon.process.kill(signal);
    // Delivered apart, or together: both happen.
    if (way === 'timeout') await new Promise((resolve) => setTimeout(resolve, Math.floor(random.next() * 40)));
    if (way !== 'main') signalGroup(group, signal);
    const code = await daemon.exit;
    const fail = (why: string): Error => new Error(`${about}: ${why}\n${daemon.log}`);
    if (place.processes().length > 0) throw fail(`left processes ${place.processes().join(' ')}`);
    const unheard = code === null && daemon.log === '';
    const begun = /journal|members loaded/.test(daemon.log);
    const recorded = stopRecords(place);
    if (unheard) tally.early++;
    else if (/ stopped(?: before=the start)?\n$/.test(daemon.log)) {
      // Node gives its signal handlers back a moment before the process is gone: a further signal may end it then, with all done.
      if (code !== 0 && code !== null) throw fail(`exit code ${code}`);
      if (begun && recorded.starts !== recorded.stops)
        throw fail(`${recorded.starts} starts and ${recorded.stops} stops in the journal`);
      tally.whole++;
    } else if (/ some parts did not stop in time late=\S+/.test(daemon.log) && code === 1) tally.late++;
    else throw fail(`not whole, exit code ${String(code)}`);
    records = recorded.stops;
    by[`${way} ${moment}`] = (by[`${way} ${moment}`] ?? 0) + 1;
    told(tally);
  }
  if (records === 0) throw new Error('no stop was ever recorded: nothing was tried');
  return tally;
}

async function reach(daemon: Daemon, moment: (typeof MOMENTS)[number], chance: number): Promise<void> {
  if (moment === 'start') {
    await new Promise((resolve) => setTimeout(resolve, chance * START_MS));
    return;
  }
  await daemon.says(/usher: ready/, 120_000);
  if (moment === 'service') return;
  const [, url = ''] = /broker=(\S+)/.exec(daemon.log) ?? [];
  const watcher = await Watcher.connect(url);
  await watcher.swipe('front-reader', '4711');
  await watcher
    .hears('a decision under way', ({ payload }) => payload['state'] !== undefined && payload['state'] !== 'idle')
    .catch(() => undefined);
  await watcher.close();
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // All of it has ended already.
  }
}

function stopRecords(place: Installation): { starts: number; stops: number } {
  const journal = Journal.open(join(place.dir, 'data'), { readonly: true });
  try {
    const kinds = [...journal.records()].map(({ kind }) => kind);
    const count = (wanted: string): number => kinds.filter((kind) => kind === wanted).length;
    return { starts: count('start'), stops: count('stop') };
  } finally {
    journal.close();
  }
}
