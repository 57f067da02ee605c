import type { ProcessSample } from './processes';
import { atMost, type Figure, withGoal } from '../../report/figure';
import { median } from '../../../quantile';

/** The daemon at one moment of a run. */
export interface DaemonSample {
  /** Seconds since it was ready. */
  readonly atS: number;
  readonly control: ProcessSample;
  readonly vision: ProcessSample;
  /** The camera's program (ffmpeg), which is not usher's but runs on the same box. */
  readonly camera: ProcessSample | null;
  readonly framesCaptured: number;
  readonly framesAnalysed: number;
  readonly framesDropped: number;
}

export interface DaemonRun {
  /** From the start of the process to its first analysed frame, ms. */
  readonly readyMs: number;
  readonly samples: readonly DaemonSample[];
  readonly unlocks: number;
  readonly refusals: number;
  readonly restarts: number;
}

/** This first share of a run does not count for growth: heaps still grow to their working size. */
const WARM_UP_SHARE = 0.2;
const LONGEST_WARM_UP_S = 180;
/** A shorter run cannot distinguish a leak from the heap's fluctuation. */
const SHORTEST_FOR_GROWTH_S = 540;
/** "Flat" means no more growth than the usual fluctuation of two heaps between collections. */
const FLAT_MB = 10;

/**
 * Memory in MB of 10⁶ bytes: of control and vision child together, the median of the samples after the warm-up. Growth
 * is the mean of the last quarter minus that of the first, and the slope of a straight line through all (least squares,
 * 95 % interval).
 */
export function daemonFigures({ readyMs, samples, unlocks, refusals, restarts }: DaemonRun): Figure[] {
  const durationS = samples.at(-1)?.atS ?? 0;
  const warm = samples.filter(({ atS }) => atS >= Math.min(LONGEST_WARM_UP_S, WARM_UP_SHARE * durationS));
  const rss = warm.map(({ control, vision }) => control.rssMb + vision.rssMb);
  const pss = warm.map(({ control, vision }) => (control.pssMb ?? NaN) + (vision.pssMb ?? NaN));
  const mb = (name: string, value: number): Figure => measured(`daemon.${name}`, value, 'MB');
  return [
    withGoal({ name: 'daemon.ready_ms', value: readyMs, unit: 'ms' }, atMost(3000)),
    withGoal(mb('rss_mb', median(rss)), atMost(350)),
    mb('rss_max_mb', Math.max(...samples.map(({ control, vision }) => control.rssMb + vision.rssMb))),
    mb('rss_control_mb', median(warm.map(({ control }) => control.rssMb))),
    mb('rss_vision_mb', median(warm.map(({ vision }) => vision.rssMb))),
    mb('pss_mb', median(pss)),
    mb('camera_program_rss_mb', median(warm.flatMap(({ camera }) => camera?.rssMb ?? []))),
    ...growthFigures(warm, rss, durationS),
    ...frameFigures(samples),
    { name: 'daemon.restarts', value: restarts, unit: '' },
    { name: 'daemon.unlocks', value: unlocks, unit: '' },
    { name: 'daemon.refusals', value: refusals, unit: '' },
  ];
}

function growthFigures(warm: readonly DaemonSample[], rss: readonly number[], durationS: number): Figure[] {
  const descriptors = warm.map(({ control, vision }) => control.fileDescriptors + vision.fileDescriptors);
  const held = withGoal(
    { name: 'daemon.file_descriptors_growth', value: lastLessFirst(descriptors), unit: '' },
    atMost(2),
  );
  if (durationS < SHORTEST_FOR_GROWTH_S)
    return [
      { name: 'daemon.rss_growth_mb', value: null, unit: 'MB', note: 'needs a run of at least 10 minutes' },
      held,
    ];
  const { slope, half } = straightLine(
    warm.map(({ atS }) => atS / 3600),
    rss,
  );
  return [
    withGoal(measured('daemon.rss_growth_mb', lastLessFirst(rss), 'MB'), atMost(FLAT_MB)),
    {
      ...measured('daemon.rss_slope_mb_per_h', slope, 'MB/h'),
      low: slope - half,
      high: slope + half,
      note: 'consecutive samples are correlated, so the true interval is wider',
    },
    held,
  ];
}

/** The camera's counters restart with its process, so only a run without a restart has rates. */
function frameFigures(samples: readonly DaemonSample[]): Figure[] {
  const [first, last] = [samples[0], samples.at(-1)];
  const seconds = (last?.atS ?? 0) - (first?.atS ?? 0);
  const per = (key: 'framesAnalysed' | 'framesDropped'): number => {
    if (first === undefined || last === undefined || seconds <= 0 || last[key] < first[key]) return NaN;
    return last[key] - first[key];
  };
  const analysed = per('framesAnalysed');
  const dropped = per('framesDropped');
  return [
    measured('daemon.frames_per_s', analysed / seconds, '1/s'),
    measured('daemon.frames_dropped', dropped / (analysed + dropped), 'ratio'),
  ];
}

function measured(name: string, value: number, unit: string): Figure {
  return Number.isFinite(value) ? { name, value, unit } : { name, value: null, unit };
}

/** Mean of the last quarter minus mean of the first. */
export function lastLessFirst(values: readonly number[]): number {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
  return mean(values.slice(-quarter)) - mean(values.slice(0, quarter));
}

/** Least squares. `half` is half the width of the slope's 95 % interval, if errors are independent. */
export function straightLine(x: readonly number[], y: readonly number[]): { slope: number; half: number } {
  const n = x.length;
  const meanX = x.reduce((sum, value) => sum + value, 0) / n;
  const meanY = y.reduce((sum, value) => sum + value, 0) / n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const dx = (x[i] as number) - meanX;
    const dy = (y[i] as number) - meanY;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xy / xx;
  const residual = Math.max(0, yy - slope * xy);
  return { slope, half: 1.96 * Math.sqrt(residual / (n - 2) / xx) };
}
