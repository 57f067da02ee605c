import { setTimeout as delay } from 'node:timers/promises';
import { TrialFailed } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { VoiceService } from '../microphones/voice-service';
import { abortable } from './abortable';
import { ModelTrial, type ModelTrialParts } from './model-trial';
import { requireAgreement } from './trial-cost';
import { VoiceCandidate } from './voice-candidate';

/** Its services: microphones that hear, and whose words the model is of. */
export interface VoiceTrialParts extends ModelTrialParts<VoiceService> {
  /** What can be known of it before it is loaded. @throws TrialFailed */
  readonly examine: () => Promise<void>;
  /** Bundles that lie elsewhere than in the installation, the candidate among them. */
  readonly changed: Readonly<Record<string, string>>;
  /** Every microphone of the box adopts them; a process that starts from now on starts with them. */
  readonly adopt: (dirs: Readonly<Record<string, string>>) => Promise<void>;
}

/** Sound that comes, but is not scored for so long, is not heard. */
const BEHIND_MS = 2500;
/** Words are rare: so many compared ones are enough to judge by. */
const COMPARED = 5;
/** The candidate decides on until the own child, which has adopted its model, has heard a word's length of sound. */
const WARM_MS = 2000;

/** A trigger word on trial, at every microphone of the box that hears. */
export class VoiceTrial extends ModelTrial<VoiceService, VoiceCandidate, VoiceTrialParts> {
  /** Answers are counted in milliseconds of sound. */
  protected readonly settledAfter = 1;

  protected prepare(): Promise<void> {
    return this.parts.examine();
  }

  protected candidateAt(service: VoiceService): VoiceCandidate {
    const { entry, changed, limits, log } = this.parts;
    return new VoiceCandidate({ service, entry, dirs: changed, startMs: limits.startMs, log });
  }

  protected hasEnough(): boolean {
    return true;
  }

  protected check({ pairs, status }: VoiceCandidate, last: boolean): void {
    const { limits } = this.parts;
    pairs.settle(monotonicMs());
    const { agreement, compared } = pairs;
    if (agreement !== null && compared >= COMPARED)
      requireAgreement(agreement, limits, this.switched, (share) => ({
        detail: `${share} of ${compared} activations are heard by both`,
      }));
    const scoredAt = status?.lastScoredAt ?? null;
    if (last && scoredAt === null) throw new TrialFailed('blind', 'no sound came to test it on', true);
    if (status?.state === 'live' && scoredAt !== null && status.at - scoredAt > BEHIND_MS)
      throw new TrialFailed('slow', 'sound comes, and it does not keep up with it', !this.switched);
  }

  protected decide(byCandidate: boolean): void {
    for (const service of this.parts.services) service.decide(byCandidate);
  }

  protected async adoptModel(signal: AbortSignal): Promise<void> {
    const { adopt, changed } = this.parts;
    await adopt(changed);
    await abortable([delay(WARM_MS), ...this.failures], signal).catch(() => undefined);
  }
}
