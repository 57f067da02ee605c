import type { CameraConfig, QualityGates } from '../config/schema';
import { messageOf, UsherError } from '../errors';
import type { VisionEvent } from '../events';
import { monotonicMs } from '../system/clock';
import { createCameraSource } from './camera/create';
import { superviseCamera } from './camera/supervisor';
import type { VisionJob } from './job';
import { loadLiveness } from './liveness/model';
import { LivenessWatch } from './liveness/watch';
import { loadAnalyser, readEncoderCard } from './load';
import { visionPipeline } from './pipeline';
import { loadScene } from './scene';
import { SceneWatch } from './scene-watch';
import { SubjectTracker } from './tracker';

/**
 * The vision child of one camera: capture, detection, encoding. It owns native inference, so that neither a blocking `run`
 * nor a crash reaches the door logic; frames never leave it. It lives as long as its parent: a broken channel ends it.
 */
async function runVision(job: VisionJob, send: (event: VisionEvent) => void): Promise<() => void> {
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
  const { modelsDir, models, execution } = job;
  const liveness =
    models.liveness === null ? null : new LivenessWatch(await loadLiveness(modelsDir, models.liveness, execution));
  const scene =
    models.scene === null
      ? null
      : new SceneWatch(camera.id, await loadScene(modelsDir, models.scene, execution), camera.scene);
  const running = [liveness, scene].flatMap((watch) => (watch === null ? [] : [watch.running]));
  send({
    kind: 'ready',
    camera: camera.id,
    at: Date.now(),
    space: analyser.space,
    models: [...analyser.running, ...running],
  });
  const source = createCameraSource(camera, { warn: (message) => process.stderr.write(`${message}\n`) });
  const supervised = superviseCamera(source, { stallMs: camera.stallMs, startMs: camera.startMs, now: monotonicMs });
  const subscription = visionPipeline({
    cameraId: camera.id,
    camera: supervised,
    analyser,
    tracker,
    liveness,
    scene,
    monotonicMs,
  }).subscribe({
    next: (event) => {
      if (event.kind === 'scene') analyser.useGates(gatesIn(camera, event.scene));
      send(event);
    },
    error: (error: unknown) => fail(job, error),
  });
  return () => subscription.unsubscribe();
}

/** The camera's own gates, with what the scene changes in them. */
function gatesIn({ quality, scene }: CameraConfig, name: string): QualityGates {
  const own = Object.entries(scene.quality[name] ?? {}).filter(([, value]) => value !== undefined);
  return { ...quality, ...(Object.fromEntries(own) as Partial<QualityGates>) };
}

function fail(job: VisionJob, error: unknown): void {
  const code = error instanceof UsherError ? error.code : 'internal';
  const remedy = error instanceof UsherError ? (error.remedy ?? null) : null;
  const failed: VisionEvent = {
    kind: 'failed',
    camera: job.camera.id,
    at: Date.now(),
    code,
    message: messageOf(error),
    remedy,
  };
  process.send?.(failed, () => process.exit(1));
}

let stop: () => void = () => undefined;
let leaving = false;
process.once('message', (message) => {
  const job = message as VisionJob;
  runVision(job, (event) => {
    // The parent may go away between the question and the send; `disconnect` then ends this process.
    if (process.connected) process.send?.(event, undefined, undefined, () => undefined);
  }).then(
    (stopped) => {
      stop = stopped;
      if (leaving) stop();
    },
    (error: unknown) => fail(job, error),
  );
});

/** The camera's process gets its SIGTERM, and SIGKILL where it hangs: this process stays until that is done, but not for ever. */
const LEAVE_MS = 2500;
const leave = (): void => {
  leaving = true;
  stop();
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(0), LEAVE_MS).unref();
};
process.once('disconnect', leave);
process.once('SIGTERM', leave);
// Ctrl-C reaches the whole process group; the parent decides the order of the end.
process.on('SIGINT', () => undefined);
