import { messageOf } from '../../errors';
import { type Trial, TrialFailed, TrialPostponed, type TrialReport } from '../../fleet/update/trial';
import { monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';
import type { VisionJob } from '../../vision/job';
import { percent, requireQuick, requireSmall } from './trial-cost';
import { TrialFigures } from './trial-figures';
import { pollUntil, abortable } from './abortable';
import type { VisionService } from '../cameras/vision-service';
import { VisionCandidate } from './vision-candidate';
import type { TrialLimits } from './trial-limits';

export interface SceneTrialParts {
  /** Cameras that are watched, and give pictures. */
  readonly services: readonly VisionService[];
  readonly entry: string;
  /** Folder of the candidate. */
  readonly dir: string;
  /** What can be known of it before it is loaded. @throws TrialFailed */
  readonly examine: () => Promise<void>;
  /** Every camera takes it over; whoever starts from now on starts with it. */
  readonly adopt: () => Promise<void>;
  readonly limits: TrialLimits;
  readonly log: Log;
}

const FRAMES_MS = 200;
/** The candidate looks at every fifth frame that it is shown, however seldom the running model does: what it costs must show. */
const EVERY_MS = 1000;
/** The first scenes may take so many times as long as the test. */
const PATIENCE = 4;

interface Watched {
  readonly candidate: VisionCandidate;
  readonly figures: TrialFigures;
  scene: string | null;
  /** Looks at which both knew a scene, and those at which it was the same one. */
  compared: number;
  same: number;
}

/** A scene model on trial, at every camera that is watched. Faces stay the running child's. */
export class SceneTrial implements Trial {
  private readonly watched: Watched[] = [];
  private switched = false;

  constructor(private readonly parts: SceneTrialParts) {}

  async test(signal: AbortSignal): Promise<TrialReport> {
    const { services, entry, examine, limits, log } = this.parts;
    if (services.length === 0) throw new TrialPostponed('not-running', 'no camera that is watched gives pictures');
    await examine();
    for (const service of services) {
      const figures = new TrialFigures(() => 'nobody');
      const one: Watched = {
        figures,
        ...{ scene: null, compared: 0, same: 0 },
        candidate: new VisionCandidate({
          ...{ service, entry, startMs: limits.startMs, figures, log },
          jobOf: (running) => this.jobOf(running),
          scene: (change) => {
            one.scene = change.scene;
            service.scenes.ofCandidate(change);
          },
        }),
      };
      this.watched.push(one);
      one.candidate.start(FRAMES_MS);
      await abortable([one.candidate.ready, ...this.failures], signal);
    }
    const from = monotonicMs();
    const known = (): boolean => this.watched.every(({ compared }) => compared > 0);
    await this.until(signal, () => {
      const elapsed = monotonicMs() - from;
      if (!known() && elapsed > limits.shadowMs * PATIENCE) this.giveUp();
      return elapsed >= limits.shadowMs && known();
    });
    return this.report();
  }

  switch(): Promise<void> {
    this.switched = true;
    for (const service of this.parts.services) service.scenes.decide(true);
    return Promise.resolve();
  }

  /** What it saw in its test was told with the switch. */
  async settle(signal: AbortSignal): Promise<void> {
    const before = this.watched.map(({ figures }) => figures.analysed);
    await this.until(signal, () => this.watched.every(({ figures }, at) => figures.analysed > (before[at] ?? 0)));
  }

  async watch(signal: AbortSignal): Promise<TrialReport> {
    const until = monotonicMs() + this.parts.limits.probationMs;
    await this.until(signal, () => monotonicMs() >= until);
    return this.report();
  }

  async adopt(): Promise<void> {
    try {
      await this.parts.adopt();
    } catch (error) {
      throw new TrialFailed('start-failed', messageOf(error));
    }
    for (const service of this.parts.services) service.scenes.decide(false);
  }

  async end(): Promise<void> {
    for (const service of this.parts.services) service.scenes.decide(false);
    await Promise.all(this.watched.map(({ candidate: candidate }) => candidate.stop()));
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

  /** At dusk neither may be sure; where the running model is, the candidate must be. */
  private giveUp(): never {
    const { services } = this.parts;
    if (this.watched.some(({ scene }, at) => scene === null && services[at]?.scenes.ownScene !== null))
      throw new TrialFailed('blind', 'it is sure of no scene where the running model is', true);
    throw new TrialPostponed('nobody-seen', 'the running model is sure of no scene: there is nothing to compare');
  }

  /** @throws TrialFailed at the first limit that is broken */
  private look(): void {
    const { services, limits } = this.parts;
    this.watched.forEach((one, at) => {
      one.candidate.requireRunning();
      const own = services[at]?.scenes.ownScene ?? null;
      if (one.scene !== null && own !== null) {
        one.compared++;
        if (one.scene === own) one.same++;
      }
      requireQuick(one.figures, limits, !this.switched);
      requireSmall(one.candidate.rss(), services[at]?.pid ?? null, limits);
    });
  }

  private report(): TrialReport {
    const shares = this.watched.map(({ same, compared }) => (compared === 0 ? 1 : same / compared));
    const agreement = Math.min(...shares);
    if (agreement < this.parts.limits.minAgreement)
      throw new TrialFailed(
        this.switched ? 'drift' : 'wrong-answers',
        `both told the same scene for ${percent(agreement)} of the time, at least ${percent(this.parts.limits.minAgreement)} should be`,
        !this.switched,
      );
    return { agreement };
  }

  private until(signal: AbortSignal, holds: () => boolean): Promise<void> {
    return pollUntil(holds, { signal, failed: this.failures, look: () => this.look() });
  }

  private get failures(): Promise<never>[] {
    return this.watched.map(({ candidate: candidate }) => candidate.failed);
  }
}
