import type { LoadedConfig } from '../../config/load/load';
import type { CameraConfig } from '../../config/schema/cameras';
import { messageOf, UsherError } from '../../errors';
import type { VisionReady } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import type { Progress } from '../../system/health-watchdog';
import type { Log } from '../../system/log';
import { childEntry } from '../../system/paths';
import type { FaceModels } from '../../vision/job';
import type { StillEvent } from '../../vision/stills/still-folder';
import { type PictureReference, readReference } from '../../vision/watch/reference';
import type { AuditTrail } from '../store/audit-trail';
import type { ExtraModels } from './camera-models';
import type { Doors } from '../doors/doors';
import type { HealthBoard } from '../health/health';
import { publishModels } from '../health/publishing';
import { SceneService } from './scene-service';
import { type CameraCounts, VisionService, type VisionServiceEvents } from './vision-service';
import type { Visitors } from '../doors/visitors';

export interface CamerasParts {
  readonly loaded: LoadedConfig;
  readonly models: FaceModels;
  /** Liveness and scene models by camera. */
  readonly extra: ExtraModels;
  readonly doors: Pick<Doors, 'observe' | 'cameraLive' | 'scene'>;
  readonly visitors: Pick<Visitors, 'observe'> | null;
  readonly mqtt: Pick<MqttClient, 'publish'>;
  readonly health: HealthBoard;
  readonly trail: Pick<AuditTrail, 'models'>;
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** Called when the camera has delivered an analysed frame. */
  readonly settled: (camera: string) => void;
}

/** All cameras of the box: forwards what each one sees to its doors. */
export class Cameras {
  private readonly services = new Map<string, VisionService>();
  private readonly scenes: SceneService[] = [];

  constructor(private readonly parts: CamerasParts) {}

  get all(): readonly VisionService[] {
    return [...this.services.values()];
  }

  get progress(): readonly Progress[] {
    return this.all.map((service) => service.progress);
  }

  get pids(): readonly number[] {
    return this.all.map(({ pid }) => pid).filter((pid) => pid !== null);
  }

  get counts(): readonly (CameraCounts & { readonly id: string })[] {
    return [...this.services].map(([id, service]) => ({ id, ...service.counts }));
  }

  start(): void {
    const { loaded, models, extra, mqtt, monotonicMs, log } = this.parts;
    const { config, dataDir, modelsDir } = loaded;
    for (const camera of config.cameras) {
      const scenes = new SceneService(camera, mqtt, monotonicMs, log.child(camera.id));
      this.scenes.push(scenes);
      const own = extra.of.get(camera.id);
      const doors = config.doors.filter((door) => door.camera === camera.id);
      const service = new VisionService(
        camera,
        childEntry('vision'),
        {
          camera,
          modelsDir,
          models: { ...models, liveness: own?.liveness ?? null, scene: own?.scene ?? null },
          execution: config.inference,
          mirror: config.inference.mirror,
          absentMs: Math.max(...doors.map(({ absentMs }) => absentMs), 100),
          reference: this.reference(dataDir, camera.id),
        },
        this.eventsOf(camera, scenes),
        log.child(camera.id),
        doors,
      );
      this.services.set(camera.id, service);
      service.start();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((service) => service.stop()));
    for (const scenes of this.scenes) scenes.stop();
  }

  /** @throws UsherError `usage` if there is no such camera */
  restart(camera: string): void {
    const service = this.services.get(camera);
    if (service === undefined)
      throw new UsherError(
        'usage',
        `there is no camera "${camera}"; there is: ${[...this.services.keys()].join(', ')}`,
      );
    service.restart();
  }

  /** Sends the camera's next frame to the process that paints. False if no process can send it. */
  still(camera: string, path: string, event: StillEvent): boolean {
    return this.services.get(camera)?.still(path, event) === true;
  }

  /** Without a readable reference only the comparison is missing; the camera still works. */
  private reference(dataDir: string, camera: string): PictureReference | null {
    try {
      return readReference(dataDir, camera);
    } catch (error) {
      this.parts.log.warn(messageOf(error), { camera });
      return null;
    }
  }

  private eventsOf({ id }: CameraConfig, scenes: SceneService): VisionServiceEvents {
    const { doors, visitors, health, trail, settled } = this.parts;
    return {
      observation: (observation) => {
        settled(id);
        doors.observe(observation);
        visitors?.observe(observation);
      },
      live: (live) => doors.cameraLive(id, live),
      scene: (change) => {
        scenes.change(change);
        doors.scene(id, change.scene);
      },
      ready: (ready) => {
        // A new process has not classified the scene yet.
        doors.scene(id, null);
        trail.models(ready);
        this.report(ready);
      },
      health: (state) => health.set(id, state),
    };
  }

  private report(ready: VisionReady): void {
    const { log, mqtt } = this.parts;
    for (const model of ready.models) {
      const asked = model.providersAsked[0] ?? '';
      const fields = { task: model.task, model: model.name, version: model.version, provider: model.provider };
      if (asked === model.provider) log.info('running', fields);
      else log.warn('the configured execution provider is not available', { ...fields, asked });
    }
    publishModels(mqtt, ready);
  }
}
