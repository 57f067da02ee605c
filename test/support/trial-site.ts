import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Roster } from '../../src/access/members/roster';
import { CameraConfig } from '../../src/config/schema/cameras';
import { loadConfig } from '../../src/config/load/load';
import type { Doors, EncoderFacts } from '../../src/daemon/doors/doors';
import { openStore } from '../../src/daemon/store/open-store';
import { FaceTarget } from '../../src/daemon/trials/face-target';
import { VisionService } from '../../src/daemon/cameras/vision-service';
import type { TrialLimits } from '../../src/daemon/trials/trial-limits';
import type { Observation } from '../../src/events';
import type { Store } from '../../src/store/store';
import { createLog } from '../../src/system/log';
import { childEntry } from '../../src/system/paths';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { type ChosenModels, chooseModels, readEncoderCard } from '../../src/vision/faces/load';
import { Installation } from './daemon';
import { entranceRecording } from './entrance';
import { until } from './until';

export const LIMITS: TrialLimits = {
  startMs: 60_000,
  shadowMs: 1500,
  seenMs: 30_000,
  probationMs: 2000,
  minAgreement: 0.8,
  minCompared: 8,
  latencyRatio: 20,
  latencyMs: 2000,
  maxStepIns: 1,
  memoryMiB: 400,
};

/** A real camera service with a member before it, and the ground on which its models are tried. No broker, no fleet. */
export class TrialSite {
  readonly frames: Observation[] = [];
  /** Bundles that decided, by the space and track that only a candidate has. */
  readonly encoders: EncoderFacts[] = [];
  log = '';

  private constructor(
    readonly installation: Installation,
    readonly models: ChosenModels,
    readonly modelsDir: string,
    readonly store: Store,
    readonly roster: Roster,
    readonly service: VisionService,
    readonly groundWith: (limits: Partial<TrialLimits>, entry?: string) => Promise<FaceTarget>,
  ) {}

  static async make(fps = 8): Promise<TrialSite> {
    const entrance = await entranceRecording();
    const camera = { id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps };
    const installation = await Installation.make({
      cameras: [camera],
      doors: [{ id: 'front', camera: 'cam', mode: 'identify' }],
    });
    const enrolled = await installation.enroll('4711', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    const loaded = await loadConfig(installation.config);
    const { modelsDir, dataDir } = loaded;
    const models = await chooseModels(modelsDir, loaded.config.models);
    const { output } = await readEncoderCard(modelsDir, models.encoder);
    const store = openStore({ dataDir, configured: { file: loaded.file, security: loaded.config.security } });
    const roster = new Roster(store, output);
    roster.load();
    const log = createLog({ level: 'info', format: 'text', write: (line) => (site.log += line) });
    const service = new VisionService(
      CameraConfig.parse(camera),
      childEntry('vision'),
      {
        ...{ camera: CameraConfig.parse(camera), modelsDir, execution: CPU_ONE_THREAD },
        models: { ...models, liveness: null, scene: null },
        ...{ mirror: false, absentMs: 800, reference: null },
      },
      {
        observation: (frame) => void site.frames.push(frame),
        live: () => undefined,
        scene: () => undefined,
        ready: () => undefined,
        health: () => undefined,
      },
      log,
    );
    const doors: Pick<Doors, 'admitEncoder' | 'dismissEncoder'> = {
      admitEncoder: (facts) => {
        roster.admit(facts);
        site.encoders.push(facts);
      },
      dismissEncoder: (space) => roster.dismiss(space),
    };
    const groundWith = async (limits: Partial<TrialLimits>, entry = childEntry('vision')): Promise<FaceTarget> => {
      const ground = new FaceTarget({
        ...{ services: () => [service], doors, roster, modelsDir, entry },
        ...{ factory: models, models, limits: { ...LIMITS, ...limits }, log },
      });
      await ground.start();
      return ground;
    };
    const site = new TrialSite(installation, models, modelsDir, store, roster, service, groundWith);
    service.start();
    await site.until('the first frames', () => site.frames.length > 3);
    return site;
  }

  get base(): string {
    return resolve(this.modelsDir, this.models.encoder);
  }

  slot(name: string): string {
    const dir = join(this.installation.dir, 'slots', name);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(join(dir, '..'), { recursive: true });
    return dir;
  }

  until(what: string, holds: () => boolean): Promise<void> {
    return until(what, holds, { detail: () => this.log });
  }

  async remove(): Promise<void> {
    await this.service.stop();
    this.store.close();
    await this.installation.remove();
  }
}
