import type { SceneChange, VisionEvent } from '../../events';
import { TrialPostponed } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { VisionJob } from '../../vision/job';
import { CandidateProcess, type CandidateParts } from './candidate-process';
import type { TrialFigures } from './trial-figures';
import type { VisionService } from '../cameras/vision-service';

export interface VisionCandidateOptions extends Pick<CandidateParts, 'entry' | 'startMs' | 'log'> {
  readonly service: VisionService;
  /** What the candidate's child is started with, from what the running one was. */
  readonly jobOf: (running: VisionJob) => VisionJob;
  readonly scene?: (change: SceneChange) => void;
  readonly figures: TrialFigures;
}

/** The child of a candidate at one camera: analyses copies of the frames that the running child sees. */
export class VisionCandidate extends CandidateProcess<VisionEvent> {
  /** Of the process that it stands beside. */
  private readonly runningPid: number | null;

  constructor(private readonly options: VisionCandidateOptions) {
    const { service, jobOf } = options;
    super({
      ...options,
      ...{ name: service.camera.id, running: service },
      jobOf: (tap) => ({ ...jobOf(service.currentJob), tap }),
    });
    this.runningPid = service.pid;
  }

  start(minIntervalMs: number): void {
    const { service, figures } = this.options;
    service.attachTrial(figures);
    service.tap(this.tapPath, minIntervalMs);
    this.startChild();
  }

  /** All frames from now on, as fast as they come. */
  hurry(): void {
    this.options.service.tap(this.tapPath, 0);
  }

  /** Frames came from the running child; with another process of it they come no more. @throws TrialPostponed */
  requireRunning(): void {
    const { service } = this.options;
    if (service.pid !== this.runningPid)
      throw new TrialPostponed('not-running', `the running process of ${service.camera.id} was started anew`);
  }

  protected receive(event: VisionEvent): void {
    const { figures, service, scene } = this.options;
    if (event.kind === 'observation') {
      figures.candidate(event, monotonicMs());
      service.candidate(event);
    } else if (event.kind === 'scene') scene?.(event);
  }
}
