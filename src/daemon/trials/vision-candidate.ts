import type { VisionEvent } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { VisionJob } from '../../vision/job';
import { CandidateProcess, type CandidateParts } from './candidate-process';
import type { TrialFigures } from './trial-figures';
import type { VisionService } from '../cameras/vision-service';

export interface VisionCandidateOptions extends Pick<CandidateParts, 'entry' | 'startMs' | 'log'> {
  readonly service: VisionService;
  /** Makes the candidate's job from that of the running child. */
  readonly jobOf: (running: VisionJob) => VisionJob;
  readonly figures: TrialFigures;
}

/** During the test the candidate gets five frames a second at most, so that the door does not become slower. */
const SHADOW_INTERVAL_MS = 200;

/** A candidate's child at one camera: analyses copies of the running child's frames. */
export class VisionCandidate extends CandidateProcess<VisionEvent> {
  readonly service: VisionService;
  readonly figures: TrialFigures;

  constructor(options: VisionCandidateOptions) {
    const { service, jobOf, figures } = options;
    super({
      ...options,
      name: service.camera.id,
      running: service,
      jobOf: (tap) => ({ ...jobOf(service.currentJob), tap }),
    });
    this.service = service;
    this.figures = figures;
  }

  get agreement(): number | null {
    return this.figures.agreement;
  }

  get answered(): number {
    return this.figures.analysed;
  }

  start(): void {
    this.service.attachTrial(this.figures);
    this.service.tap(this.tapPath, SHADOW_INTERVAL_MS);
    this.startChild();
  }

  /** All frames from now on, without limit; they are measured apart from those before. */
  hurry(): void {
    this.service.tap(this.tapPath, 0);
    this.figures.forgetLatencies();
    this.figures.analysed = 0;
    this.figures.stepIns = 0;
  }

  protected receive(event: VisionEvent): void {
    if (event.kind !== 'observation') return;
    this.figures.candidate(event, monotonicMs());
    this.service.candidate(event);
  }
}
