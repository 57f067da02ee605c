import { UsherError } from '../../errors';
import type { ReleaseDocument } from '../release';

/** A candidate: a release that lies whole in a slot. */
export interface Candidate {
  readonly channel: string;
  readonly release: ReleaseDocument;
  readonly dir: string;
}

export interface TrialReport {
  /** Share of equal decisions beside the running model, 0..1; null where there was nothing to decide on. */
  readonly agreement: number | null;
}

/** A candidate that did not stand its trial. `unsure`: a busy machine may have been the cause. */
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

/** Why a candidate is sent back; closed, since managers count them. */
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

/** Something that must happen first, and that a person sees to: not the release's fault. */
export interface Obstacle {
  readonly reason: 'templates-missing' | 'no-such-channel' | 'not-running' | 'nobody-seen';
  readonly detail: string;
}

/** A trial that could not tell anything yet: the candidate is left as it was, and tried again for as long as it is wanted. */
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
 * One candidate beside what runs. The steps are called in order, each at most once; a failure of any is a `TrialFailed`. `end` is
 * called whatever happened, and leaves what ran before in service, unless `adopt` has succeeded.
 */
export interface Trial {
  /** Beside the running model: golden vectors, latency, memory, and the same input as the running one for a while. */
  test(signal: AbortSignal): Promise<TrialReport>;
  /** From now on the candidate decides, while what ran before stays ready to take over within a frame. */
  switch(signal: AbortSignal): Promise<void>;
  /** Resolves when it has really decided. */
  settle(signal: AbortSignal): Promise<void>;
  /** Probation. Resolves at its end; fails at the first sign of trouble. */
  watch(signal: AbortSignal): Promise<TrialReport>;
  /** The candidate becomes what runs. */
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

/** Where candidates are tried; one implementation for each kind of thing that runs. */
export interface UpdateTarget {
  /** What runs on the channel. Null: no such channel here. */
  running(channel: string): RunningModel | null;
  /** What keeps a candidate from being activated. Looked at before its test and before the switch; cheap. */
  obstacle(candidate: Candidate): Obstacle | null;
  begin(candidate: Candidate): Trial;
  /** The pointer was turned back; what it names now is to run. `dir` null: what the installation brought. */
  restore(channel: string, dir: string | null): Promise<void>;
}
