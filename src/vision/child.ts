import { messageOf } from '../errors';
import type { VisionEvent } from '../events';
import { type ServedWork, serveParent } from '../system/child-service';
import { monotonicMs } from '../system/clock';
import { createCameraSource } from './camera/create';
import type { CameraSource } from './camera/source';
import { superviseCamera } from './camera/supervisor';
import { FrameTap } from './camera/tap';
import { TappedSource } from './camera/tapped';
import type { VisionJob, VisionOrder } from './job';
import { visionPipeline } from './pipeline';
import { RunningModels } from './running-models';
import { StillSender } from './stills/hand-over';
import { PictureWatch } from './watch/picture-watch';

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
  const models = await RunningModels.open(job);
  send(models.ready);
  const tap = new FrameTap();
  const stills = new StillSender();
  const subscription = observe(job, models, [tap, stills]).subscribe({
    next: (event) => {
      if (event.kind === 'scene') models.enter(event);
      send(event);
    },
    error: fail,
  });
  return {
    stop: () => {
      tap.open(null, 0);
      subscription.unsubscribe();
    },
    obey: async (order) => {
      switch (order.kind) {
        case 'tap':
          tap.open(order.path, order.minIntervalMs);
          return;
        case 'still':
          stills.want(order.path, order.event, monotonicMs());
          return;
        case 'adopt':
          await adopt(order, models, send);
          return;
      }
    },
  };
}

function observe(job: VisionJob, models: RunningModels, taps: readonly (FrameTap | StillSender)[]) {
  const { camera, reference } = job;
  const watch = new PictureWatch({ stuckMs: camera.stuckMs, reference, monotonicMs });
  return visionPipeline({
    cameraId: camera.id,
    camera: superviseCamera(watch.watch(sourceOf(job)), {
      stallMs: camera.stallMs,
      startMs: camera.startMs,
      now: monotonicMs,
    }),
    watch,
    faces: () => models.faces,
    latencyMs: camera.latencyMs,
    taps,
    liveness: models.liveness,
    scene: models,
    monotonicMs,
  });
}

function sourceOf({ camera, tap }: VisionJob): CameraSource {
  return tap === undefined
    ? createCameraSource(camera, { warn: (message) => process.stderr.write(`${message}\n`) })
    : new TappedSource(camera.id, tap);
}

async function adopt(
  { order, models: wanted }: Extract<VisionOrder, { kind: 'adopt' }>,
  models: RunningModels,
  send: (event: VisionEvent) => void,
): Promise<void> {
  try {
    await models.adopt(wanted);
    send(models.ready);
    // After `ready` the scene counts as unknown.
    if (models.lastScene !== null) send(models.lastScene);
    send({ kind: 'adoption', order, failure: null });
  } catch (error) {
    send({ kind: 'adoption', order, failure: messageOf(error) });
  }
}

serveParent(runVision);
