import type { VisionEvent } from '../../events';
import { TrialFailed, TrialPostponed } from '../../fleet/update/trial';
import type { VisionJob } from '../../vision/job';
import type { VisionService } from '../cameras/vision-service';
import { ModelTrial, type ModelTrialParts } from './model-trial';
import { requireAgreement, requireQuick } from './trial-cost';
import { TrialFigures } from './trial-figures';
import { VisionCandidate } from './vision-candidate';

export interface SceneTrialParts extends ModelTrialParts<VisionService> {
  /** Folder of the candidate. */
  readonly dir: string;
  /** Checks what can be known before it is loaded. @throws TrialFailed */
  readonly examine: () => Promise<void>;
  /** Every camera changes to it; later processes start with it. */
  readonly adopt: () => Promise<void>;
}

/**
 * The candidate classifies every fifth frame that it gets, however rarely the running model does, so that its cost
 * shows.
 */
const EVERY_MS = 1000;
/** The first scenes may take this many times as long as the test. */
const PATIENCE = 4;

/** The candidate at one camera, and how often it names the same scene as the running model. */
class SceneCandidate extends VisionCandidate {
  scene: string | null = null;
  /** Checks at which both knew a scene, and those at which it was the same. */
  compared = 0;
  private same = 0;

  override get agreement(): number {
    return this.compared === 0 ? 1 : this.same / this.compared;
  }

  compare(): void {
    const own = this.service.scenes.ownScene;
    if (this.scene === null || own === null) return;
    this.compared++;
    if (this.scene === own) this.same++;
  }

  protected override receive(event: VisionEvent): void {
    super.receive(event);
    if (event.kind !== 'scene') return;
    this.scene = event.scene;
    this.service.scenes.ofCandidate(event);
  }
}

/** A scene model on trial, at every camera with scenes. Faces stay with the running child. */
export class SceneTrial extends ModelTrial<VisionService, SceneCandidate, SceneTrialParts> {
  protected readonly settledAfter = 1;

  protected prepare(): Promise<void> {
    return this.parts.examine();
  }

  protected candidateAt(service: VisionService): SceneCandidate {
    const { entry, limits, log } = this.parts;
    const figures = new TrialFigures(() => 'nobody');
    const jobOf = (running: VisionJob): VisionJob => this.jobOf(running);
    return new SceneCandidate({ service, entry, startMs: limits.startMs, figures, jobOf, log });
  }

  protected hasEnough(elapsedMs: number): boolean {
    const known = this.candidates.every(({ compared }) => compared > 0);
    if (!known && elapsedMs > this.parts.limits.shadowMs * PATIENCE) this.giveUp();
    return known;
  }

  protected check(candidate: SceneCandidate, last: boolean): void {
    const { limits } = this.parts;
    if (last)
      return requireAgreement(candidate.agreement, limits, this.switched, (share) => ({
        detail: `both named the same scene for ${share} of the time`,
        unsure: !this.switched,
      }));
    candidate.compare();
    requireQuick(candidate.figures, limits, !this.switched);
  }

  /** The scene that the candidate saw in its test is reported at the switch. */
  protected decide(byCandidate: boolean): void {
    for (const service of this.parts.services) service.scenes.decide(byCandidate);
  }

  protected adoptModel(): Promise<void> {
    return this.parts.adopt();
  }

  private jobOf(running: VisionJob): VisionJob {
    const { camera, models } = running;
    const everyMs = Math.min(camera.scene.everyMs, EVERY_MS);
    return {
      ...running,
      camera: { ...camera, scene: { ...camera.scene, everyMs } },
      models: { ...models, liveness: null, scene: this.parts.dir },
    };
  }

  /** At dusk neither may be sure; where the running model is sure, the candidate must be too. */
  private giveUp(): never {
    if (this.candidates.some(({ scene, service }) => scene === null && service.scenes.ownScene !== null))
      throw new TrialFailed('blind', 'it is unsure of every scene of which the running model is sure', true);
    throw new TrialPostponed('nobody-seen', 'the running model is sure of no scene: there is nothing to compare');
  }
}
