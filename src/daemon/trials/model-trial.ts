import { messageOf } from '../../errors';
import { type Trial, TrialFailed, TrialPostponed, type TrialReport } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';
import { abortable, pollUntil } from '../../system/poll';
import type { TrialCandidate } from './candidate-process';
import { requireSmall } from './trial-cost';
import type { TrialLimits } from './trial-limits';

export interface ModelTrialParts<Service> {
  /** The cameras or microphones at which the model is tried. */
  readonly services: readonly Service[];
  /** Compiled entry point of the candidate's process. */
  readonly entry: string;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/**
 * A model on trial, at every camera or microphone of the box: a candidate's process next to each running one, with the
 * same input. The subclass knows what the model is for.
 */
export abstract class ModelTrial<
  Service,
  C extends TrialCandidate,
  Parts extends ModelTrialParts<Service> = ModelTrialParts<Service>,
> implements Trial {
  protected readonly candidates: C[] = [];
  protected switched = false;

  constructor(protected readonly parts: Parts) {}

  async test(signal: AbortSignal): Promise<TrialReport> {
    const { services, limits } = this.parts;
    if (services.length === 0)
      throw new TrialPostponed('not-running', 'no camera or microphone runs at which the model could be tried');
    await this.prepare();
    for (const service of services) {
      const candidate = this.candidateAt(service);
      this.candidates.push(candidate);
      candidate.start();
      await abortable([candidate.ready, ...this.failures], signal);
    }
    await this.lasting(limits.shadowMs, signal, (elapsedMs) => this.hasEnough(elapsedMs));
    return this.report();
  }

  async switch(signal: AbortSignal): Promise<void> {
    await this.catchUp?.(signal);
    this.switched = true;
    this.decide(true);
  }

  async settle(signal: AbortSignal): Promise<void> {
    await this.answers(this.settledAfter, signal);
  }

  async watch(signal: AbortSignal): Promise<TrialReport> {
    await this.lasting(this.parts.limits.probationMs, signal);
    return this.report();
  }

  async adopt(signal: AbortSignal): Promise<void> {
    try {
      // The candidate decides until the running processes have changed to its model.
      await this.adoptModel(signal);
    } catch (error) {
      throw new TrialFailed('start-failed', messageOf(error));
    }
    this.decide(false);
  }

  async end(): Promise<void> {
    this.decide(false);
    this.cleanUp?.();
    await Promise.all(this.candidates.map((candidate) => candidate.stop()));
  }

  /** New answers of every candidate after which it counts as in service. */
  protected abstract readonly settledAfter: number;
  /** Checks what can be known before a process is started. @throws TrialFailed */
  protected abstract prepare(): Promise<void>;
  /** Creates the candidate of one camera or microphone, without starting it. */
  protected abstract candidateAt(service: Service): C;
  /** Whether the test has enough data of every candidate. @throws TrialFailed, TrialPostponed if it takes too long */
  protected abstract hasEnough(elapsedMs: number): boolean;
  /** @throws TrialFailed at the first limit that the candidate exceeds. `last`: the test or the probation is over. */
  protected abstract check(candidate: C, last: boolean): void;
  protected abstract decide(byCandidate: boolean): void;
  /** Every process of the box changes to the model. */
  protected abstract adoptModel(signal: AbortSignal): Promise<void>;
  /** Called before the switch. */
  protected catchUp?(signal: AbortSignal): Promise<void>;
  /** Called at the end, when the running model decides. */
  protected cleanUp?(): void;

  /** Resolves when every candidate has given this many further answers. */
  protected async answers(count: number, signal: AbortSignal): Promise<void> {
    const before = this.candidates.map(({ answered }) => answered);
    await this.until(signal, () =>
      this.candidates.every(({ answered }, index) => answered >= (before[index] ?? 0) + count),
    );
  }

  private async lasting(
    ms: number,
    signal: AbortSignal,
    enough: (elapsedMs: number) => boolean = () => true,
  ): Promise<void> {
    const from = monotonicMs();
    await this.until(signal, () => {
      const elapsedMs = monotonicMs() - from;
      return enough(elapsedMs) && elapsedMs >= ms;
    });
  }

  private report(): TrialReport {
    for (const candidate of this.candidates) this.check(candidate, true);
    const known = this.candidates.map(({ agreement }) => agreement).filter((share) => share !== null);
    return { agreement: known.length === 0 ? null : Math.min(...known) };
  }

  /** Ends at once when a candidate's process fails, or the trial is aborted. */
  private async until(signal: AbortSignal, holds: () => boolean): Promise<void> {
    await pollUntil(holds, { signal, failed: this.failures, check: () => this.look() });
  }

  private look(): void {
    for (const candidate of this.candidates) {
      candidate.requireRunning();
      this.check(candidate, false);
      requireSmall(candidate.residentMiB(), candidate.runningPid, this.parts.limits);
    }
  }

  protected get failures(): Promise<never>[] {
    return this.candidates.map(({ failed }) => failed);
  }
}
