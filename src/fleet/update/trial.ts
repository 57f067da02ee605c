import { UsherError } from '../../errors';
import type { ReleaseDocument } from '../release';

/** A candidate: a complete release in a slot. */
export interface Candidate {
  readonly channel: string;
  readonly release: ReleaseDocument;
  readonly dir: string;
}

export interface TrialReport {
  /** Share of decisions equal to the running model's, 0..1; null if none could be compared. */
  readonly agreement: number | null;
}

/** A candidate that failed its trial. `unsure`: a busy machine may be the cause. */
export class TrialFailed extends UsherError {
  constructor(
    readonly reason: TrialReason,
    detail: string,
    readonly unsure = false,
  ) {
    super('release-refused', detail);
    this.name = 'TrialFailed';
  }
}

/** Why a candidate is rejected; a closed list, since managers count them. */
export const TRIAL_REASONS = [
  'invalid',
  'crashed',
  'silent',
  'wrong-answers',
  'slow',
  'memory',
  'drift',
  'blind',
  'start-failed',
] as const;
export type TrialReason = (typeof TRIAL_REASONS)[number];

/** Something that a person must do first; not the release's fault. */
export interface Obstacle {
  readonly reason: 'templates-missing' | 'no-such-channel' | 'not-running' | 'nobody-seen';
  readonly detail: string;
}

/** A trial without a result yet: the candidate stays and is tried again as long as it is wanted. */
export class TrialPostponed extends UsherError {
  constructor(
    readonly reason: Obstacle['reason'],
    detail: string,
  ) {
    super('release-refused', detail);
    this.name = 'TrialPostponed';
  }
}

/**
 * A candidate next to the running version. The steps are called in order, each at most once; a failure is a
 * `TrialFailed`. `end` is always called, and leaves the previous version in service unless `adopt` has succeeded.
 */
export interface Trial {
  /** Next to the running model: golden vectors, latency, memory, and for a while the same input. */
  test(signal: AbortSignal): Promise<TrialReport>;
  /** From now on the candidate decides, while the previous version can take over within a frame. */
  switch(signal: AbortSignal): Promise<void>;
  /** Resolves when the candidate has actually decided. */
  settle(signal: AbortSignal): Promise<void>;
  /** Probation. Resolves at its end; fails at the first sign of trouble. */
  watch(signal: AbortSignal): Promise<TrialReport>;
  /** The candidate becomes the running version. */
  adopt(signal: AbortSignal): Promise<void>;
  end(): Promise<void>;
}

export interface RunningModel {
  /** In its card. */
  readonly version: string;
  readonly space: string | null;
  /** Its bundle; null where there is none. */
  readonly dir: string | null;
}

/** Tries candidates; one implementation for each kind of thing that runs. */
export interface UpdateTarget {
  /** The running version of the channel. Null: no such channel here. */
  running(channel: string): RunningModel | null;
  /** What prevents the activation of a candidate. Checked before its test and before the switch; cheap. */
  obstacle(candidate: Candidate): Obstacle | null;
  begin(candidate: Candidate): Trial;
  /** The pointer was turned back; run what it names now. `dir` null: the installed version. */
  restore(channel: string, dir: string | null): Promise<void>;
}
