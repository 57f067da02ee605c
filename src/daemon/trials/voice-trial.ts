import { setTimeout as delay } from 'node:timers/promises';
import { TrialFailed } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import { abortable } from '../../system/poll';
import type { VoiceService } from '../microphones/voice-service';
import { ModelTrial, type ModelTrialParts } from './model-trial';
import { requireAgreement } from './trial-cost';
import { VoiceCandidate } from './voice-candidate';

/** Its services: microphones that work and use the model's word. */
export interface VoiceTrialParts extends ModelTrialParts<VoiceService> {
  /** Checks what can be known before it is loaded. @throws TrialFailed */
  readonly examine: () => Promise<void>;
  /** Bundles outside the installation, including the candidate. */
  readonly changed: Readonly<Record<string, string>>;
  /** Every microphone of the box changes to them; later processes start with them. */
  readonly adopt: (dirs: Readonly<Record<string, string>>) => Promise<void>;
}

/** Sound that arrives but is not scored for this long counts as unheard. */
const BEHIND_MS = 2500;
/** Words are rare, so this many compared ones are enough. */
const COMPARED = 5;
/**
 * The candidate decides until the running child, which has changed to its model, has heard a word's length of sound.
 */
const WARM_MS = 2000;

/** A trigger word on trial, at every working microphone of the box. */
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
        detail: `${share} of ${compared} activations are detected by both`,
      }));
    const scoredAt = status?.lastScoredAt ?? null;
    if (last && scoredAt === null) throw new TrialFailed('blind', 'no sound arrived to test it', true);
    if (status?.state === 'live' && scoredAt !== null && status.at - scoredAt > BEHIND_MS)
      throw new TrialFailed('slow', 'sound arrives, but the model is too slow for it', !this.switched);
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
