import type { MicrophoneStatus, VoiceEvent } from '../../events';
import { TrialPostponed } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { VoiceJob } from '../../voice/job';
import { ActivationPairs } from './activation-pairs';
import { CandidateProcess, type CandidateParts } from './candidate-process';
import type { VoiceService } from '../microphones/voice-service';

export interface VoiceCandidateOptions extends Pick<CandidateParts, 'entry' | 'startMs' | 'log'> {
  readonly service: VoiceService;
  readonly dirs: Readonly<Record<string, string>>;
}

/** A candidate's child at one microphone: gets copies of the running child's sound. */
export class VoiceCandidate extends CandidateProcess<VoiceEvent> {
  readonly pairs = new ActivationPairs();
  /** Its last report. */
  status: MicrophoneStatus | null = null;

  constructor(private readonly options: VoiceCandidateOptions) {
    const { service, dirs } = options;
    super({
      ...options,
      name: service.microphone.id,
      running: service,
      jobOf: (tap) => ({ ...withoutCapture(service.currentJob), dirs, tap }),
    });
  }

  get agreement(): number | null {
    return this.pairs.agreement;
  }

  /** Epoch ms of the last scored sound. */
  get answered(): number {
    return this.status?.lastScoredAt ?? 0;
  }

  start(): void {
    const { service } = this.options;
    service.attachTrial(this.pairs);
    service.tap(this.tapPath);
    this.startChild();
  }

  protected receive(event: VoiceEvent): void {
    const { service } = this.options;
    if (event.kind === 'activation') {
      this.pairs.candidate(event, monotonicMs());
      service.candidate(event);
    } else if (event.kind === 'microphone') {
      this.status = event;
      // The running child has ended, which is not the candidate's fault.
      if (event.state === 'ended' || event.state === 'failed')
        this.end(new TrialPostponed('not-running', `the sound ended: ${event.detail ?? 'the running child ended'}`));
    }
  }
}

/** Only the running child stores recordings. */
function withoutCapture(running: VoiceJob): VoiceJob {
  return { ...running, microphone: { ...running.microphone, capture: null }, captureDir: null };
}
