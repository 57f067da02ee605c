import { filter, from, map, merge, type Observable, Subject, tap, timer } from 'rxjs';
import { isTimely } from '../access/frame-age';
import { type CameraStatus, LIVENESS_ABSENT, type Observation, type QualityRefusal, type SceneChange } from '../events';
import { latestMap } from '../rx/latest';
import type { AnalysedFace, FaceAnalyser } from './faces/analyser';
import type { LentFrame } from './camera/source';
import type { CameraHealth, SupervisedCamera } from './camera/supervisor';
import { STATUS_EVERY_MS } from './job';
import type { LivenessWatch } from './liveness/watch';
import type { SceneWatch } from './scene/scene-watch';
import type { CapturedFrame } from './picture/frame';
import { MotionGrid } from './watch/motion';
import { TurnWatch } from './watch/turn-watch';
import type { PictureWatch } from './watch/picture-watch';
import type { SubjectTracker } from './faces/tracker';

/** What looks at a frame. Replaced whole, between two frames, when other models take over. */
export interface FacePipeline {
  readonly analyser: FaceAnalyser;
  readonly tracker: SubjectTracker;
}

export interface PipelineParts {
  readonly cameraId: string;
  readonly camera: SupervisedCamera;
  /** Looks at the frames of that camera's source. */
  readonly watch: Pick<
    PictureWatch,
    'turned' | 'fresh' | 'changes' | 'rate' | 'trouble' | 'framesRepeated' | 'lastChangeAt'
  >;
  /** Asked for with every frame. */
  readonly faces: () => FacePipeline;
  /** Delay that the camera is known to have, ms: it makes a frame older, but not late. */
  readonly latencyMs?: number;
  /** Who is shown every frame before it is looked at; none may keep it. */
  readonly taps?: readonly { offer(frame: CapturedFrame, now: number): void }[];
  /** Null if no door of this camera needs it. */
  readonly liveness: Pick<LivenessWatch, 'observe'> | null;
  readonly scene: Pick<SceneWatch, 'observe'> | null;
  /** The machine's monotonic clock, ms. */
  readonly monotonicMs: () => number;
}

/**
 * Turns frames into observations, the latest frame first; late frames are not analysed. A scene is reported when it
 * changes. Statuses come with every change and once a second, also for a camera that has ended. Never completes; fails
 * if the analysis does.
 */
export function visionPipeline(parts: PipelineParts): Observable<Observation | SceneChange | CameraStatus> {
  const { cameraId, camera, watch, faces: faces, latencyMs = 0, taps = [], liveness, scene, monotonicMs } = parts;
  const scenes = new Subject<SceneChange>();
  const motion = new MotionGrid();
  const turns = new TurnWatch((frame) => faces().analyser.bestScore(frame));
  let analysed = 0;
  let dropped = 0;
  let late = 0;
  let newest = -Infinity;
  let lastAnalysisAt: number | null = null;

  /** A frame from before the last one is of the past, even where a new start of the camera dates it otherwise. */
  const inTime = (frame: LentFrame): boolean => {
    if (frame.mono > newest && isTimely(frame.mono, monotonicMs(), latencyMs)) {
      newest = frame.mono;
      return true;
    }
    late++;
    frame.release();
    return false;
  };

  const observe = async (frame: LentFrame): Promise<Observation> => {
    const { mono } = frame;
    const { analyser, tracker } = faces();
    try {
      if (scene !== null) {
        const change = await scene.observe(mono, frame);
        if (change !== null) scenes.next(change);
      }
      const moved = motion.moved(frame);
      const { faces, subject: found } = await analyser.live(frame);
      const turned = await turns.look(frame, found?.score ?? 0, mono);
      watch.turned(turns.turned, frame.at);
      const subject = turned ? withoutVote(found, 'turned-away') : moved ? found : withoutVote(found, 'unmoved');
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
    framesLate: late,
    restarts: health.restarts,
    lastFrameAt: health.lastFrameAt,
    lastAnalysisAt,
    framesRepeated: watch.framesRepeated,
    lastChangeAt: watch.lastChangeAt,
    intervalMs: watch.rate.intervalMs(monotonicMs()),
    trouble: watch.trouble,
  });

  const observations = watch.fresh(camera.frames).pipe(
    filter(inTime),
    tap((frame) => {
      for (const shown of taps) shown.offer(frame, monotonicMs());
    }),
    latestMap(
      (frame) => from(observe(frame)),
      (frame) => {
        dropped++;
        frame.release();
      },
    ),
  );
  const changes = camera.status.pipe(map(statusOf));
  const troubles = watch.changes.pipe(map(() => statusOf(camera.health())));
  const periodic = timer(STATUS_EVERY_MS, STATUS_EVERY_MS).pipe(map(() => statusOf(camera.health())));
  return merge(troubles, observations, scenes, changes, periodic);
}

/** A face that is seen but counts for nothing: looked at twice in the same picture, or lying on its side. */
function withoutVote(face: AnalysedFace | null, refusal: QualityRefusal): AnalysedFace | null {
  return face === null ? null : { ...face, refusal: face.refusal ?? refusal, embedding: null };
}
