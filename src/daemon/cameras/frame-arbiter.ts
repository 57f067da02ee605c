import type { Observation } from '../../events';

/** The running model's frames are used again if the candidate's last frame is older than theirs by this much. */
const STEP_IN_MS = 200;
/** Above every track id of the running model: a person seen by another model counts as another person until proven. */
const CANDIDATE_TRACKS = 2 ** 32;

/** Observes the frames of a trial. */
export interface FrameWatcher {
  /** Called with every frame that the running model has analysed. */
  own(observation: Observation): void;
  /** Called with a frame of the running model that was used because the candidate's did not arrive. */
  steppedIn(observation: Observation): void;
}

/**
 * Decides whether the running model's frames count or those of a candidate on trial. The running model continues
 * meanwhile and takes over within `STEP_IN_MS` if the candidate's frames are missing, so that a candidate cannot blind
 * the door.
 */
export class FrameArbiter {
  private trial: { readonly watcher: FrameWatcher; decides: boolean; mono: number } | null = null;
  private takenMono = -Infinity;
  private gapMs = 0;

  constructor(private readonly report: (observation: Observation) => void) {}

  /** Starts a trial; a candidate's frames count after `decide(true)`. Null ends it. */
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

  /** Longest time between two frames that counted since the last call, ms. */
  takeLongestGap(): number {
    const gap = this.gapMs;
    this.gapMs = 0;
    return gap;
  }

  /** Frames count in the order in which they were taken, whichever model analysed them. An older frame is dropped. */
  private take(observation: Observation): void {
    const gap = observation.mono - this.takenMono;
    if (gap <= 0) return;
    if (this.takenMono > 0) this.gapMs = Math.max(this.gapMs, gap);
    this.takenMono = observation.mono;
    this.report(observation);
  }
}
