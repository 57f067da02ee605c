import type { CameraConfig, QualityGates } from '../config/schema/cameras';
import type { RunningModel, SceneChange, VisionReady } from '../events';
import { SubjectTracker } from './faces/tracker';
import { loadAnalyser, readEncoderCard } from './faces/load';
import type { VisionJob } from './job';
import { loadLiveness } from './liveness/model';
import { LivenessWatch } from './liveness/watch';
import type { CapturedFrame } from './picture/frame';
import type { FacePipeline } from './pipeline';
import { loadScene } from './scene/scene';
import { SceneWatch } from './scene/scene-watch';

/** The frame that is in work when other models are adopted is still with the old ones. */
const DISPOSE_AFTER_MS = 2500;

interface Adoptable {
  readonly models: VisionJob['models'];
  readonly faces: FacePipeline;
  readonly scene: SceneWatch | null;
}

/** The models of a vision child, which are replaced between two frames while it runs. */
export class RunningModels {
  private gates: QualityGates;
  private scene: SceneChange | null = null;

  private constructor(
    private readonly job: VisionJob,
    private current: Adoptable,
    readonly liveness: LivenessWatch | null,
  ) {
    this.gates = job.camera.quality;
  }

  /** @throws UsherError of a bundle that cannot be loaded */
  static async open(job: VisionJob): Promise<RunningModels> {
    const { modelsDir, models, execution } = job;
    const faces = await openFaces(job);
    const liveness =
      models.liveness === null ? null : new LivenessWatch(await loadLiveness(modelsDir, models.liveness, execution));
    return new RunningModels(job, { models, faces, scene: await openScene(job, models.scene) }, liveness);
  }

  get faces(): FacePipeline {
    return this.current.faces;
  }

  /** The last scene that was reported; null: none yet. */
  get lastScene(): SceneChange | null {
    return this.scene;
  }

  /** What really runs. */
  get ready(): VisionReady {
    const { analyser } = this.faces;
    const others = [this.liveness, this.current.scene].flatMap((watch): RunningModel[] =>
      watch === null ? [] : [watch.running],
    );
    const models = [...analyser.running, ...others];
    return { kind: 'ready', camera: this.job.camera.id, at: Date.now(), space: analyser.space, models };
  }

  /** @returns the scene where it has changed */
  async observe(mono: number, frame: CapturedFrame): Promise<SceneChange | null> {
    return (await this.current.scene?.observe(mono, frame)) ?? null;
  }

  /** In another scene a camera may have other quality gates. */
  enter(scene: SceneChange): void {
    this.scene = scene;
    this.gates = gatesIn(this.job.camera, scene.scene);
    this.faces.analyser.useGates(this.gates);
  }

  /** @throws UsherError of a bundle that cannot be loaded; then the models before go on */
  async adopt(models: VisionJob['models']): Promise<void> {
    const before = this.current;
    const sameFaces = models.detector === before.models.detector && models.encoder === before.models.encoder;
    const faces = sameFaces ? before.faces : await openFaces({ ...this.job, models });
    const scene = models.scene === before.models.scene ? before.scene : await openScene(this.job, models.scene);
    faces.analyser.useGates(this.gates);
    this.current = { models, faces, scene };
    disposeLater([sameFaces ? null : before.faces.analyser, scene === before.scene ? null : before.scene]);
  }
}

function disposeLater(unused: readonly ({ dispose(): Promise<void> } | null)[]): void {
  const dispose = (): void => unused.forEach((one) => void one?.dispose().catch(() => undefined));
  setTimeout(dispose, DISPOSE_AFTER_MS).unref();
}

async function openScene(
  { camera, modelsDir, execution }: VisionJob,
  bundle: string | null,
): Promise<SceneWatch | null> {
  return bundle === null
    ? null
    : new SceneWatch(camera.id, await loadScene(modelsDir, bundle, execution), camera.scene);
}

async function openFaces(job: VisionJob): Promise<FacePipeline> {
  const { camera } = job;
  const analyser = await loadAnalyser({
    modelsDir: job.modelsDir,
    models: job.models,
    execution: job.execution,
    mirror: job.mirror,
    region: camera.region,
    minFacePx: camera.minFacePx,
    gates: camera.quality,
  });
  const { output } = await readEncoderCard(job.modelsDir, job.models.encoder);
  const tracker = new SubjectTracker({
    dimensions: output.dimensions,
    normalise: output.normalise,
    samePersonDistance: Math.max(...output.thresholds.map((row) => row.distance)),
    absentMs: job.absentMs,
  });
  return { analyser, tracker };
}

/** The camera's own gates, with what the scene changes in them. */
function gatesIn({ quality, scene }: CameraConfig, name: string): QualityGates {
  const own = Object.entries(scene.quality[name] ?? {}).filter(([, value]) => value !== undefined);
  return { ...quality, ...(Object.fromEntries(own) as Partial<QualityGates>) };
}
