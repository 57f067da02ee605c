import type { CameraConfig, QualityGates } from '../config/schema/cameras';
import { messageOf } from '../errors';
import type { RunningModel, VisionEvent } from '../events';
import { type ServedWork, serveParent } from '../system/child-service';
import { monotonicMs } from '../system/clock';
import { createCameraSource } from './camera/create';
import { superviseCamera } from './camera/supervisor';
import { TappedSource } from './camera/tapped';
import type { VisionJob, VisionOrder } from './job';
import { loadLiveness } from './liveness/model';
import { LivenessWatch } from './liveness/watch';
import { loadAnalyser, readEncoderCard } from './faces/load';
import { type FacePipeline, visionPipeline } from './pipeline';
import { loadScene } from './scene/scene';
import { SceneWatch } from './scene/scene-watch';
import { StillSender } from './stills/hand-over';
import { FrameTap } from './camera/tap';
import { SubjectTracker } from './faces/tracker';
import { PictureWatch } from './watch/picture-watch';

/** The frame that is in work when other models take over is still with the old ones. */
const DISPOSE_AFTER_MS = 2500;

/**
 * The vision child of one camera: capture, detection, encoding. It owns native inference, so that neither a blocking `run`
 * nor a crash reaches the door logic; frames leave it for a candidate's child alone. It lives as long as its parent: a broken
 * channel ends it.
 */
async function runVision(
  job: VisionJob,
  send: (event: VisionEvent) => void,
  fail: (error: unknown) => void,
): Promise<ServedWork<VisionOrder>> {
  const { camera, modelsDir, models, execution } = job;
  let faces = await openFaceModels(job);
  const liveness =
    models.liveness === null ? null : new LivenessWatch(await loadLiveness(modelsDir, models.liveness, execution));
  const openScene = async (bundle: string | null): Promise<SceneWatch | null> =>
    bundle === null ? null : new SceneWatch(camera.id, await loadScene(modelsDir, bundle, execution), camera.scene);
  let scene = await openScene(models.scene);
  let current = models;
  const otherModels = (): readonly RunningModel[] =>
    [liveness, scene].flatMap((watch) => (watch === null ? [] : [watch.running]));
  const ready = (): void =>
    send({
      kind: 'ready',
      camera: camera.id,
      at: Date.now(),
      space: faces.analyser.space,
      models: [...faces.analyser.running, ...otherModels()],
    });
  ready();
  const source =
    job.tap === undefined
      ? createCameraSource(camera, { warn: (message) => process.stderr.write(`${message}\n`) })
      : new TappedSource(camera.id, job.tap);
  const watch = new PictureWatch({ stuckMs: camera.stuckMs, reference: job.reference, monotonicMs });
  const supervised = superviseCamera(watch.watch(source), {
    stallMs: camera.stallMs,
    startMs: camera.startMs,
    now: monotonicMs,
  });
  const tap = new FrameTap();
  const stills = new StillSender();
  let gates = camera.quality;
  let lastScene: VisionEvent | null = null;
  const subscription = visionPipeline({
    cameraId: camera.id,
    camera: supervised,
    watch,
    faces: () => faces,
    latencyMs: camera.latencyMs,
    taps: [tap, stills],
    liveness,
    scene: scene === null ? null : { observe: async (mono, frame) => (await scene?.observe(mono, frame)) ?? null },
    monotonicMs,
  }).subscribe({
    next: (event) => {
      if (event.kind === 'scene') {
        lastScene = event;
        gates = gatesIn(camera, event.scene);
        faces.analyser.useGates(gates);
      }
      send(event);
    },
    error: fail,
  });
  const adopt = async (taken: VisionJob['models']): Promise<string | null> => {
    try {
      const sameFaces = taken.detector === current.detector && taken.encoder === current.encoder;
      const nextFaces = sameFaces ? faces : await openFaceModels({ ...job, models: taken });
      const nextScene = taken.scene === current.scene ? scene : await openScene(taken.scene);
      nextFaces.analyser.useGates(gates);
      const left = [sameFaces ? null : faces.analyser, nextScene === scene ? null : scene];
      faces = nextFaces;
      scene = nextScene;
      current = taken;
      ready();
      // The receiver of `ready` takes the scene for unknown.
      if (lastScene !== null) send(lastScene);
      const dispose = (): void => left.forEach((one) => void one?.dispose().catch(() => undefined));
      setTimeout(dispose, DISPOSE_AFTER_MS).unref();
      return null;
    } catch (error) {
      return messageOf(error);
    }
  };
  return {
    stop: () => {
      tap.open(null, 0);
      subscription.unsubscribe();
    },
    obey: async (order) => {
      if (order.kind === 'tap') {
        tap.open(order.path, order.minIntervalMs);
        return;
      }
      if (order.kind === 'still') {
        stills.want(order.path, order.event, monotonicMs());
        return;
      }
      const failure = await adopt(order.models);
      send({ kind: 'adoption', order: order.order, failure });
    },
  };
}

async function openFaceModels(job: VisionJob): Promise<FacePipeline> {
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

serveParent(runVision);
