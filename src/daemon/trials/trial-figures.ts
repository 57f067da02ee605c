import type { Observation } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { FrameWatcher } from '../cameras/frame-arbiter';

/** Frames that wait for the other model's word on them, and compared frames that the agreement rests on. */
const PAIRS_MAX = 64;
const WINDOW = 200;
/** Latencies that the percentile is taken of. */
const LATENCIES = 128;

/**
 * What is measured of a candidate beside the running model at one camera: latency of both, from the frame's arrival in the process
 * that has the camera to its word here, and how often both make the same of the same frame. Empty frames on which both agree say
 * nothing and do not count.
 */
export class TrialFigures implements FrameWatcher {
  private readonly owns = new Map<number, string>();
  private readonly candidates = new Map<number, string>();
  private readonly agreed: boolean[] = [];
  private readonly latencies = { own: [] as number[], candidate: [] as number[] };
  /** Frames that the candidate has analysed, and frames that the running model had to step in for. */
  analysed = 0;
  /** Compared frames on which at least one of them saw a face that is good enough to decide on. */
  decided = 0;
  stepIns = 0;

  constructor(private readonly outcomeOf: (observation: Observation, by: 'own' | 'candidate') => string) {}

  own(observation: Observation): void {
    keep(this.latencies.own, monotonicMs() - observation.mono, LATENCIES);
    this.compare(observation.frame, this.outcomeOf(observation, 'own'), this.owns, this.candidates);
  }

  candidate(observation: Observation, now: number): void {
    this.analysed++;
    keep(this.latencies.candidate, now - observation.mono, LATENCIES);
    this.compare(observation.frame, this.outcomeOf(observation, 'candidate'), this.candidates, this.owns);
  }

  steppedIn(): void {
    this.stepIns++;
  }

  /** Compared frames, of the last `WINDOW`. */
  get compared(): number {
    return this.agreed.length;
  }

  /** 0..1; null where nothing could be compared. */
  get agreement(): number | null {
    return this.agreed.length === 0 ? null : this.agreed.filter(Boolean).length / this.agreed.length;
  }

  p95(of: 'own' | 'candidate'): number | null {
    const sorted = [...this.latencies[of]].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.95)] ?? null;
  }

  /** The candidate runs under other conditions from here on. */
  forgetLatencies(): void {
    this.latencies.candidate.length = 0;
    this.latencies.own.length = 0;
  }

  private compare(frame: number, outcome: string, mine: Map<number, string>, theirs: Map<number, string>): void {
    const other = theirs.get(frame);
    theirs.delete(frame);
    if (other === undefined) {
      mine.set(frame, outcome);
      const oldest = mine.keys().next();
      if (mine.size > PAIRS_MAX && oldest.done !== true) mine.delete(oldest.value);
      return;
    }
    if (outcome === 'nobody' && other === 'nobody') return;
    keep(this.agreed, outcome === other, WINDOW);
    if (isDecided(outcome) || isDecided(other)) this.decided++;
  }
}

const isDecided = (outcome: string): boolean => outcome !== 'nobody' && outcome !== 'refused';

function keep<T>(list: T[], value: T, max: number): void {
  list.push(value);
  if (list.length > max) list.shift();
}
