import type { VisionEvent } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { VisionJob } from '../../vision/job';
import { CandidateProcess, type CandidateParts } from './candidate-process';
import type { TrialFigures } from './trial-figures';
import type { VisionService } from '../cameras/vision-service';

export interface VisionCandidateOptions extends Pick<CandidateParts, 'entry' | 'startMs' | 'log'> {
  readonly service: VisionService;
  /** What the candidate's child is started with, from what the running one was. */
  readonly jobOf: (running: VisionJob) => VisionJob;
  readonly figures: TrialFigures;
}

/** Frames of the test are thinned out to five a second: it must not cost the door anything. */
const SHADOW_INTERVAL_MS = 200;

/** The child of a candidate at one camera: analyses copies of the frames that the running child sees. */
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

  /** All frames from now on, as fast as they come; they are measured apart from those before. */
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
