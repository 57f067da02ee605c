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

interface FrameCounts {
  analysed: number;
  dropped: number;
  late: number;
  /** Epoch ms. */
  lastAnalysisAt: number | null;
}

/**
 * Turns frames into observations, the latest frame first; late frames are not analysed. A scene is reported when it
 * changes. Statuses come with every change and once a second, also for a camera that has ended. Never completes; fails
 * if the analysis does.
 */
export function visionPipeline(parts: PipelineParts): Observable<Observation | SceneChange | CameraStatus> {
  const { camera, watch, taps = [], monotonicMs } = parts;
  const counts: FrameCounts = { analysed: 0, dropped: 0, late: 0, lastAnalysisAt: null };
  const observer = new FrameObserver(parts);
  const observations = watch.fresh(camera.frames).pipe(
    filter(timely(parts, counts)),
    tap((frame) => {
      for (const shown of taps) shown.offer(frame, monotonicMs());
    }),
    latestMap(
      (frame) => from(observer.observe(frame)),
      (frame) => {
        counts.dropped++;
        frame.release();
      },
    ),
    tap(() => {
      counts.analysed++;
      counts.lastAnalysisAt = Date.now();
    }),
  );
  const statusOf = (health: CameraHealth): CameraStatus => cameraStatus(parts, counts, health);
  const changes = camera.status.pipe(map(statusOf));
  const troubles = watch.changes.pipe(map(() => statusOf(camera.health())));
  const periodic = timer(STATUS_EVERY_MS, STATUS_EVERY_MS).pipe(map(() => statusOf(camera.health())));
  return merge(troubles, observations, observer.scenes, changes, periodic);
}

/** A frame from before the last one is of the past, even where a new start of the camera dates it otherwise. */
function timely({ latencyMs = 0, monotonicMs }: PipelineParts, counts: FrameCounts): (frame: LentFrame) => boolean {
  let newest = -Infinity;
  return (frame) => {
    if (frame.mono > newest && isTimely(frame.mono, monotonicMs(), latencyMs)) {
      newest = frame.mono;
      return true;
    }
    counts.late++;
    frame.release();
    return false;
  };
}

/** What one frame shows, after those before it: scene, movement, turn of the picture, track and liveness. */
class FrameObserver {
  readonly scenes = new Subject<SceneChange>();
  private readonly motion = new MotionGrid();
  private readonly turns = new TurnWatch((frame) => this.parts.faces().analyser.bestScore(frame));

  constructor(private readonly parts: PipelineParts) {}

  async observe(frame: LentFrame): Promise<Observation> {
    try {
      if (this.parts.scene !== null) await this.lookAtScene(frame, this.parts.scene);
      // Other models may be adopted meanwhile; one frame is analysed by one set of them.
      const { analyser, tracker } = this.parts.faces();
      const moved = this.motion.moved(frame);
      const { faces, subject: found } = await analyser.live(frame);
      const subject = await this.countable(frame, found, moved);
      return {
        kind: 'observation',
        camera: this.parts.cameraId,
        at: frame.at,
        mono: frame.mono,
        frame: frame.seq,
        faces,
        space: analyser.space,
        subject: subject === null ? null : await this.subjectOf(frame, subject, tracker),
      };
    } finally {
      frame.release();
    }
  }

  private async lookAtScene(frame: LentFrame, scene: Pick<SceneWatch, 'observe'>): Promise<void> {
    const change = await scene.observe(frame.mono, frame);
    if (change !== null) this.scenes.next(change);
  }

  /** In a turned picture, and in one where nothing has moved, a face counts for nothing. */
  private async countable(frame: LentFrame, face: AnalysedFace | null, moved: boolean): Promise<AnalysedFace | null> {
    const { turns } = this;
    const turned = await turns.look(frame, face?.score ?? 0, frame.mono);
    this.parts.watch.turned(turns.turned, frame.at);
    if (turned) return withoutVote(face, 'turned-away');
    return moved ? face : withoutVote(face, 'unmoved');
  }

  private async subjectOf(
    frame: LentFrame,
    face: AnalysedFace,
    tracker: SubjectTracker,
  ): Promise<Observation['subject']> {
    const { liveness } = this.parts;
    const tracked = tracker.update(frame.mono, face.box, face.embedding, face.quality.score);
    return {
      box: face.box,
      detectionScore: face.score,
      track: tracked.track,
      quality: face.quality,
      refusal: face.refusal,
      embedding: face.embedding,
      fused: tracked.fused,
      fusedFrames: tracked.fusedFrames,
      liveness: liveness === null ? LIVENESS_ABSENT : await liveness.observe(frame.mono, tracked.track, frame, face),
    };
  }
}

function cameraStatus(
  { cameraId, watch, monotonicMs }: PipelineParts,
  { analysed, dropped, late, lastAnalysisAt }: FrameCounts,
  { state, detail, framesCaptured, restarts, lastFrameAt }: CameraHealth,
): CameraStatus {
  return {
    kind: 'camera',
    camera: cameraId,
    at: Date.now(),
    state,
    detail,
    framesCaptured,
    framesAnalysed: analysed,
    framesDropped: dropped,
    framesLate: late,
    restarts,
    lastFrameAt,
    lastAnalysisAt,
    framesRepeated: watch.framesRepeated,
    lastChangeAt: watch.lastChangeAt,
    intervalMs: watch.rate.intervalMs(monotonicMs()),
    trouble: watch.trouble,
  };
}

/** A face that is seen but counts for nothing: looked at twice in the same picture, or lying on its side. */
function withoutVote(face: AnalysedFace | null, refusal: QualityRefusal): AnalysedFace | null {
  return face === null ? null : { ...face, refusal: face.refusal ?? refusal, embedding: null };
}
