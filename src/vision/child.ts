import { messageOf, UsherError } from '../errors';
import type { VisionEvent } from '../events';
import { monotonicMs } from '../system/clock';
import { createCameraSource } from './camera/create';
import { superviseCamera } from './camera/supervisor';
import type { VisionJob } from './job';
import { loadAnalyser, readEncoderCard } from './load';
import { visionPipeline } from './pipeline';
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
  send({ kind: 'ready', camera: camera.id, at: Date.now(), space: analyser.space, models: analyser.running });
  const source = createCameraSource(camera, { warn: (message) => process.stderr.write(`${message}\n`) });
  const supervised = superviseCamera(source, { stallMs: camera.stallMs, startMs: camera.startMs, now: monotonicMs });
  const subscription = visionPipeline({
    cameraId: camera.id,
    camera: supervised,
    analyser,
    tracker,
    monotonicMs,
  }).subscribe({
    next: send,
    error: (error: unknown) => fail(job, error),
  });
  return () => subscription.unsubscribe();
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
