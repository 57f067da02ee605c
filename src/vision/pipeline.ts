import { from, map, merge, type Observable, Subject, timer } from 'rxjs';
import { type CameraStatus, LIVENESS_ABSENT, type Observation, type SceneChange } from '../events';
import { latestMap } from '../rx/latest';
import type { FaceAnalyser } from './analyser';
import type { LentFrame } from './camera/source';
import type { CameraHealth, SupervisedCamera } from './camera/supervisor';
import { STATUS_EVERY_MS } from './job';
import type { LivenessWatch } from './liveness/watch';
import type { SceneWatch } from './scene-watch';
import type { FrameTap } from './tap';
import type { SubjectTracker } from './tracker';

/** What looks at a frame. Replaced whole, between two frames, when other models take over. */
export interface Sight {
  readonly analyser: FaceAnalyser;
  readonly tracker: SubjectTracker;
}

export interface PipelineParts {
  readonly cameraId: string;
  readonly camera: SupervisedCamera;
  /** Asked for with every frame. */
  readonly sight: () => Sight;
  /** Who is shown every frame before it is looked at; none may keep it. */
  readonly taps?: readonly Pick<FrameTap, 'offer'>[];
  /** Null where no door of this camera asks for it. */
  readonly liveness: Pick<LivenessWatch, 'observe'> | null;
  readonly scene: Pick<SceneWatch, 'observe'> | null;
  /** The machine's monotonic clock, ms. */
  readonly monotonicMs: () => number;
}

interface TimedFrame {
  readonly frame: LentFrame;
  readonly mono: number;
}

/**
 * Frames become observations, the latest frame first; a scene is told when it changes; statuses come with every change and once a second, for a camera that has
 * ended too. Never completes; fails when the analysis does.
 */
export function visionPipeline(parts: PipelineParts): Observable<Observation | SceneChange | CameraStatus> {
  const { cameraId, camera, sight, taps = [], liveness, scene, monotonicMs } = parts;
  const scenes = new Subject<SceneChange>();
  let analysed = 0;
  let dropped = 0;
  let lastAnalysisAt: number | null = null;

  const observe = async ({ frame, mono }: TimedFrame): Promise<Observation> => {
    const { analyser, tracker } = sight();
    try {
      if (scene !== null) {
        const change = await scene.observe(mono, frame);
        if (change !== null) scenes.next(change);
      }
      const { faces, subject } = await analyser.live(frame);
      const tracked =
        subject === null ? null : tracker.update(mono, subject.box, subject.embedding, subject.quality.score);
      const live =
        subject === null || tracked === null || liveness === null
          ? LIVENESS_ABSENT
          : await liveness.observe(mono, tracked.track, frame, subject);
      analysed++;
      lastAnalysisAt = Date.now();
      return {
        kind: 'observation',
        camera: cameraId,
        at: frame.at,
        mono,
        frame: frame.seq,
        faces,
        space: analyser.space,
        subject:
          subject === null || tracked === null
            ? null
            : {
                box: subject.box,
                detectionScore: subject.score,
                track: tracked.track,
                quality: subject.quality,
                refusal: subject.refusal,
                embedding: subject.embedding,
                fused: tracked.fused,
                fusedFrames: tracked.fusedFrames,
                liveness: live,
              },
      };
    } finally {
      frame.release();
    }
  };

  const statusOf = (health: CameraHealth): CameraStatus => ({
    kind: 'camera',
    camera: cameraId,
    at: Date.now(),
    state: health.state,
    detail: health.detail,
    framesCaptured: health.framesCaptured,
    framesAnalysed: analysed,
    framesDropped: dropped,
    restarts: health.restarts,
    lastFrameAt: health.lastFrameAt,
    lastAnalysisAt,
  });

  const observations = camera.frames.pipe(
    map((frame): TimedFrame => {
      const mono = frame.mono ?? monotonicMs();
      for (const tap of taps) tap.offer(frame, mono);
      return { frame, mono };
    }),
    latestMap(
      (timed) => from(observe(timed)),
      ({ frame }) => {
        dropped++;
        frame.release();
      },
    ),
  );
  const changes = camera.status.pipe(map(statusOf));
  const periodic = timer(STATUS_EVERY_MS, STATUS_EVERY_MS).pipe(map(() => statusOf(camera.health())));
  return merge(observations, scenes, changes, periodic);
}
