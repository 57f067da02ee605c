import { messageOf } from '../../errors';
import { type Trial, TrialFailed, TrialPostponed, type TrialReport } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';
import { ActivationPairs } from './activation-pairs';
import { percent, requireSmall } from './trial-cost';
import { pollUntil, abortable } from './abortable';
import type { TrialLimits } from './trial-limits';
import type { VoiceService } from '../microphones/voice-service';
import { VoiceCandidate } from './voice-candidate';

export interface VoiceTrialParts {
  /** Microphones that hear, and whose words the model is of. */
  readonly services: readonly VoiceService[];
  readonly entry: string;
  /** What can be known of it before it is loaded. @throws TrialFailed */
  readonly examine: () => Promise<void>;
  /** Bundles that lie elsewhere than in the installation, the candidate among them. */
  readonly changed: Readonly<Record<string, string>>;
  /** Every microphone of the box takes them over; whoever starts from now on starts with them. */
  readonly adopt: (dirs: Readonly<Record<string, string>>) => Promise<void>;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/** Sound that is heard, but not scored for so long, is no hearing. */
const BEHIND_MS = 2500;
/** Words are rare: from so many on they tell something. */
const COMPARED = 5;
/** The candidate decides on until the own child, which took its model over, has heard a word's length of sound. */
const WARM_MS = 2000;

/** A trigger word on trial, at every microphone of the box that hears. */
export class VoiceTrial implements Trial {
  private readonly candidates: { readonly candidate: VoiceCandidate; readonly pairs: ActivationPairs; from: number }[] =
    [];
  private switched = false;

  constructor(private readonly parts: VoiceTrialParts) {}

  async test(signal: AbortSignal): Promise<TrialReport> {
    const { services, entry, changed, examine, limits, log } = this.parts;
    if (services.length === 0)
      throw new TrialPostponed('not-running', 'no microphone hears that listens for this word');
    await examine();
    for (const service of services) {
      const pairs = new ActivationPairs();
      const { startMs } = limits;
      const candidate = new VoiceCandidate({ service, entry, dirs: changed, startMs, pairs, log });
      this.candidates.push({ candidate: candidate, pairs, from: 0 });
      candidate.start();
      await abortable([candidate.ready, ...this.failures], signal);
    }
    await this.during(limits.shadowMs, signal);
    return this.report();
  }

  switch(): Promise<void> {
    for (const one of this.candidates) one.from = one.candidate.status?.lastScoredAt ?? 0;
    this.switched = true;
    for (const service of this.parts.services) service.decide(true);
    return Promise.resolve();
  }

  async settle(signal: AbortSignal): Promise<void> {
    await this.until(signal, () =>
      this.candidates.every(({ candidate: candidate, from }) => (candidate.status?.lastScoredAt ?? 0) > from),
    );
  }

  async watch(signal: AbortSignal): Promise<TrialReport> {
    await this.during(this.parts.limits.probationMs, signal);
    return this.report();
  }

  async adopt(signal: AbortSignal): Promise<void> {
    const { adopt, changed, services } = this.parts;
    try {
      await adopt(changed);
    } catch (error) {
      throw new TrialFailed('start-failed', messageOf(error));
    }
    await abortable([new Promise((resolve) => setTimeout(resolve, WARM_MS)), ...this.failures], signal).catch(
      () => undefined,
    );
    for (const service of services) service.decide(false);
  }

  async end(): Promise<void> {
    for (const service of this.parts.services) service.decide(false);
    await Promise.all(this.candidates.map(({ candidate: candidate }) => candidate.stop()));
  }

  private async during(ms: number, signal: AbortSignal): Promise<void> {
    const until = monotonicMs() + ms;
    await this.until(signal, () => monotonicMs() >= until);
  }

  /** @throws TrialFailed at the first limit that is broken */
  private look(): void {
    const { services, limits } = this.parts;
    this.candidates.forEach(({ candidate: candidate, pairs }, at) => {
      pairs.settle(monotonicMs());
      const { agreement, compared } = pairs;
      if (agreement !== null && compared >= COMPARED && agreement < limits.minAgreement)
        throw new TrialFailed(
          this.switched ? 'drift' : 'wrong-answers',
          `${percent(agreement)} of ${compared} activations are heard by both, at least ${percent(limits.minAgreement)} should be`,
        );
      const { status } = candidate;
      if (status?.state === 'live' && status.lastScoredAt !== null && status.at - status.lastScoredAt > BEHIND_MS)
        throw new TrialFailed('slow', 'sound comes, and it does not keep up with it', !this.switched);
      requireSmall(candidate.rss(), services[at]?.pid ?? null, limits);
    });
  }

  /** Where nobody said a word there is nothing to compare: false activations alone would have shown. */
  private report(): TrialReport {
    const notScoring = this.candidates.find(
      ({ candidate: candidate }) => (candidate.status?.lastScoredAt ?? null) === null,
    );
    if (notScoring !== undefined) throw new TrialFailed('blind', 'no sound came to test it on', true);
    const known = this.candidates.map(({ pairs }) => pairs.agreement).filter((share) => share !== null);
    return { agreement: known.length === 0 ? null : Math.min(...known) };
  }

  private until(signal: AbortSignal, holds: () => boolean): Promise<void> {
    return pollUntil(holds, { signal, failed: this.failures, look: () => this.look() });
  }

  private get failures(): Promise<never>[] {
    return this.candidates.map(({ candidate: candidate }) => candidate.failed);
  }
}
