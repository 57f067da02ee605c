import type { Observation } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { FrameWatcher } from '../cameras/frame-arbiter';
import { quantile } from '../../quantile';

/** Maximum number of frames that wait for the other model's result, and of compared frames behind the agreement. */
const PAIRS_MAX = 64;
const WINDOW = 200;
/** Number of latencies behind the percentile. */
const LATENCIES = 128;

/**
 * Measures a candidate against the running model at one camera: latency of both, from the frame's arrival in the
 * camera's process to the result here, and how often both come to the same result on the same frame. Empty frames on
 * which both agree prove nothing and do not count.
 */
export class TrialFigures implements FrameWatcher {
  private readonly owns = new Map<number, string>();
  private readonly candidates = new Map<number, string>();
  private readonly agreed: boolean[] = [];
  private readonly latencies = { own: [] as number[], candidate: [] as number[] };
  /** Frames that the candidate has analysed, and frames for which the running model had to step in. */
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

  /** Number of compared frames among the last `WINDOW`. */
  get compared(): number {
    return this.agreed.length;
  }

  /** 0..1; null if no frame could be compared. */
  get agreement(): number | null {
    return this.agreed.length === 0 ? null : this.agreed.filter(Boolean).length / this.agreed.length;
  }

  p95(of: 'own' | 'candidate'): number | null {
    const latencies = this.latencies[of];
    return latencies.length === 0 ? null : quantile(latencies, 0.95);
  }

  /** From here on the candidate runs under other conditions. */
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
