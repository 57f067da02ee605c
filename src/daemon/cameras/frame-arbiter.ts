import type { Observation } from '../../events';

/** The running model's frames are used again when a candidate's last one is older than theirs by so much. */
const STEP_IN_MS = 200;
/** Above every track of the running model: a person that another model sees is another person until proven. */
const CANDIDATE_TRACKS = 2 ** 32;

/** Follows the frames of a trial. */
export interface FrameWatcher {
  /** Every frame that the running model has analysed. */
  own(observation: Observation): void;
  /** A frame of the running model that was used because the candidate's did not come. */
  steppedIn(observation: Observation): void;
}

/**
 * Decides whose frames count: the running model's, or those of a candidate on trial. The running model goes on meanwhile and
 * steps in within `STEP_IN_MS` where the candidate's frames stay away, so that no candidate can blind the door.
 */
export class FrameArbiter {
  private trial: { readonly watcher: FrameWatcher; decides: boolean; mono: number } | null = null;
  private takenMono = -Infinity;
  private gapMs = 0;

  constructor(private readonly report: (observation: Observation) => void) {}

  /** Begins a trial; a candidate's frames count after `decide(true)`. Null ends it. */
  attachTrial(watcher: FrameWatcher | null): void {
    this.trial = watcher === null ? null : { watcher, decides: false, mono: -Infinity };
  }

  decide(byCandidate: boolean): void {
    if (this.trial === null) return;
    this.trial.decides = byCandidate;
    this.trial.mono = byCandidate ? this.takenMono : -Infinity;
  }

  own(observation: Observation): void {
    const { trial } = this;
    trial?.watcher.own(observation);
    if (trial?.decides === true) {
      if (observation.mono - trial.mono <= STEP_IN_MS) return;
      trial.watcher.steppedIn(observation);
    }
    this.take(observation);
  }

  candidate(observation: Observation): void {
    if (this.trial === null) return;
    this.trial.mono = Math.max(this.trial.mono, observation.mono);
    if (!this.trial.decides) return;
    const { subject } = observation;
    this.take(
      subject === null
        ? observation
        : { ...observation, subject: { ...subject, track: subject.track + CANDIDATE_TRACKS } },
    );
  }

  /** Longest time between two frames that counted, ms, since the last call. */
  takeLongestGap(): number {
    const gap = this.gapMs;
    this.gapMs = 0;
    return gap;
  }

  /** Frames count in the order in which they were taken, whichever model analysed them; an older one is of the past. */
  private take(observation: Observation): void {
    const gap = observation.mono - this.takenMono;
    if (gap <= 0) return;
    if (this.takenMono > 0) this.gapMs = Math.max(this.gapMs, gap);
    this.takenMono = observation.mono;
    this.report(observation);
  }
}
