import type { FaceAnalyser } from '../../../vision/faces/analyser';
import type { LivenessWatch } from '../../../vision/liveness/watch';
import type { SceneWatch } from '../../../vision/scene/scene-watch';
import type { BenchFrame } from './frames';
import { atMost, type Figure, withGoal } from '../../report/figure';

/** Frames of a person in front of the door until it opens: the cost of liveness is spread over them. */
const FRAMES_PER_VISIT = 30;
const FRAME_MS = 1000 / 15;

export interface ExtrasSample {
  /** From the frame to the vector, ms. */
  readonly baseMs: number;
  /** What liveness and scene add in that frame, ms. */
  readonly extraMs: number;
}

/**
 * Cost of liveness and scene in addition to detection and encoding, on the schedule of the vision child: another person
 * every `FRAMES_PER_VISIT` frames, 15 frames a second. The extra work follows the base work in the same frame, so that
 * other load affects both.
 */
export async function runExtras(
  frames: readonly BenchFrame[],
  analyser: Pick<FaceAnalyser, 'live'>,
  liveness: Pick<LivenessWatch, 'observe'>,
  scene: Pick<SceneWatch, 'observe'>,
  visits = 3,
  onProgress: (share: number) => void = () => undefined,
): Promise<ExtrasSample[]> {
  const samples: ExtrasSample[] = [];
  const count = visits * FRAMES_PER_VISIT;
  for (let i = 0; i < count; i++) {
    const { frame } = frames[i % frames.length] as BenchFrame;
    const at = i * FRAME_MS;
    const startedAt = performance.now();
    const { subject } = await analyser.live(frame);
    const between = performance.now();
    if (subject !== null) await liveness.observe(at, Math.floor(i / FRAMES_PER_VISIT), frame, subject);
    await scene.observe(at, frame);
    samples.push({ baseMs: between - startedAt, extraMs: performance.now() - between });
    onProgress((i + 1) / count);
  }
  return samples;
}

/** Sums, not medians: most frames have no extra work, and the total work of the box matters. */
export function extrasFigures(samples: readonly ExtrasSample[]): Figure[] {
  const base = samples.reduce((sum, { baseMs }) => sum + baseMs, 0);
  const extra = samples.reduce((sum, { extraMs }) => sum + extraMs, 0);
  return [
    withGoal(
      {
        name: 'vision.ratio.scene_liveness',
        value: base === 0 ? null : (base + extra) / base,
        unit: 'x',
        note:
          samples.length === 0
            ? 'a model is not installed'
            : `default models, ${samples.length} frames: with liveness and scene over without`,
      },
      atMost(1.35),
    ),
    { name: 'vision.ms.scene_liveness', value: samples.length === 0 ? null : extra / samples.length, unit: 'ms' },
  ];
}
