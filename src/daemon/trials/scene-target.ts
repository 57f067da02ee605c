import { resolve } from 'node:path';
import { SCENE_CHANNEL } from '../../fleet/update/installed';
import { type Candidate, type Obstacle, type RunningModel, type Trial, TrialFailed } from '../../fleet/update/trial';
import { readCard } from '../../inference/bundle';
import type { Card } from '../../inference/card';
import type { Log } from '../../system/log';
import { adoptEverywhere } from '../../system/adopt-everywhere';
import { labelsOf } from '../cameras/camera-models';
import { SceneTrial } from './scene-trial';
import { type ChannelTarget, wrongKind } from './targets';
import type { VisionService } from '../cameras/vision-service';
import type { TrialLimits } from './trial-limits';

export interface SceneTargetParts {
  /** All cameras of the box; those without scenes are left alone. */
  readonly services: () => readonly VisionService[];
  readonly modelsDir: string;
  readonly entry: string;
  /** The installed model, and the one that runs now. */
  readonly factory: string;
  readonly bundle: string;
  readonly limits: TrialLimits;
  readonly log: Log;
}

/** The model that distinguishes day from night, as a target of updates. */
export class SceneTarget implements ChannelTarget {
  readonly channels = [SCENE_CHANNEL];
  private bundle: string;
  private card: Card | null = null;

  constructor(private readonly parts: SceneTargetParts) {
    this.bundle = parts.bundle;
  }

  async start(): Promise<void> {
    this.card = await this.cardOf(this.bundle);
  }

  running(channel: string): RunningModel | null {
    if (channel !== SCENE_CHANNEL || this.card === null) return null;
    return { version: this.card.version, space: null, dir: this.dirOf(this.bundle) };
  }

  obstacle({ channel, release }: Candidate): Obstacle | null {
    if (release.kind === 'config') return wrongKind(channel, release);
    return this.seeing().length > 0 ? null : { reason: 'not-running', detail: 'no camera with scenes gives pictures' };
  }

  begin({ dir }: Candidate): Trial {
    const { entry, limits, log } = this.parts;
    return new SceneTrial({
      services: this.seeing(),
      entry,
      dir,
      limits,
      log,
      examine: () => this.requireSameScenes(dir),
      adopt: () => this.adopt(dir),
    });
  }

  async restore(_channel: string, dir: string | null): Promise<void> {
    await this.adopt(dir ?? this.parts.factory);
  }

  /** Changes all cameras, or none. @throws UsherError `model-invalid` */
  private async adopt(bundle: string): Promise<void> {
    const card = await this.cardOf(bundle);
    await adoptEverywhere(this.watched(), { scene: bundle }, { scene: this.bundle });
    this.bundle = bundle;
    this.card = card;
  }

  /** Doors and programs use the names of scenes. A scene that the new model does not have would leave them in it. */
  private async requireSameScenes(dir: string): Promise<void> {
    const [before, after] = [this.card, await this.cardOf(dir)].map((card) => (card === null ? [] : labelsOf(card)));
    if ([...(before ?? [])].sort().join() !== [...(after ?? [])].sort().join())
      throw new TrialFailed(
        'invalid',
        `its scenes are ${after?.join(', ')}, those of the running model ${before?.join(', ')}`,
      );
  }

  private seeing(): readonly VisionService[] {
    return this.watched().filter(({ isLive }) => isLive);
  }

  private watched(): readonly VisionService[] {
    return this.parts.services().filter(({ currentJob }) => currentJob.models.scene !== null);
  }

  private cardOf(bundle: string): Promise<Card> {
    return readCard(this.dirOf(bundle));
  }

  private dirOf(bundle: string): string {
    return resolve(this.parts.modelsDir, bundle);
  }
}
