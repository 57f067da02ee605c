import type { CameraConfig, QualityGates } from '../config/schema';
import { messageOf, UsherError } from '../errors';
import type { VisionEvent } from '../events';
import { serveParent } from '../system/child-service';
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
async function runVision(
  job: VisionJob,
  send: (event: VisionEvent) => void,
  fail: (error: unknown) => void,
): Promise<() => void> {
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
    error: fail,
  });
  return () => subscription.unsubscribe();
}

/** The camera's own gates, with what the scene changes in them. */
function gatesIn({ quality, scene }: CameraConfig, name: string): QualityGates {
  const own = Object.entries(scene.quality[name] ?? {}).filter(([, value]) => value !== undefined);
  return { ...quality, ...(Object.fromEntries(own) as Partial<QualityGates>) };
}

function failed(job: VisionJob, error: unknown): VisionEvent {
  return {
    kind: 'failed',
    camera: job.camera.id,
    at: Date.now(),
    code: error instanceof UsherError ? error.code : 'internal',
    message: messageOf(error),
    remedy: error instanceof UsherError ? (error.remedy ?? null) : null,
  };
}

serveParent({ run: runVision, failed });
