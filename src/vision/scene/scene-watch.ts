import type { RunningModel, SceneChange } from '../../events';
import type { Frame } from '../picture/frame';
import type { SceneClassifier } from './scene';

/** A scene is changed to only by scores that leave no doubt; between the two ends it stays what it was. */
const SURE = 0.6;

export interface SceneState {
  readonly scene: string | null;
  /** What the last looks say instead, and how many of them in a row. */
  readonly candidate: string | null;
  readonly agreeing: number;
}

export const NO_SCENE: SceneState = { scene: null, candidate: null, agreeing: 0 };

/** One look at the picture. The first sure one names the scene; a change needs `settle` sure ones in a row that agree. */
export function stepScene(
  state: SceneState,
  labels: readonly string[],
  scores: readonly number[],
  settle: number,
): SceneState {
  let best = -1;
  // NaN is above nothing.
  scores.forEach((score, i) => {
    if (score > (scores[best] ?? SURE)) best = i;
  });
  const seen = labels[best] ?? null;
  if (seen === null || seen === state.scene) return { ...state, candidate: null, agreeing: 0 };
  if (state.scene === null) return { scene: seen, candidate: null, agreeing: 0 };
  const agreeing = seen === state.candidate ? state.agreeing + 1 : 1;
  return agreeing >= settle
    ? { scene: seen, candidate: null, agreeing: 0 }
    : { scene: state.scene, candidate: seen, agreeing };
}

/** Looks at the whole picture now and then, and tells when it has become another scene. */
export class SceneWatch {
  private state = NO_SCENE;
  private lookedAt = -Infinity;

  constructor(
    private readonly camera: string,
    private readonly classifier: Pick<SceneClassifier, 'classify' | 'labels' | 'running' | 'dispose'>,
    private readonly options: { readonly everyMs: number; readonly settle: number },
  ) {}

  get running(): RunningModel {
    return this.classifier.running;
  }

  /** @param mono monotonic ms */
  async observe(mono: number, frame: Frame): Promise<SceneChange | null> {
    if (mono - this.lookedAt < this.options.everyMs) return null;
    this.lookedAt = mono;
    const { scores } = await this.classifier.classify(frame);
    const { labels } = this.classifier;
    const before = this.state.scene;
    this.state = stepScene(this.state, labels, scores, this.options.settle);
    const { scene } = this.state;
    if (scene === null || scene === before) return null;
    return { kind: 'scene', camera: this.camera, at: Date.now(), scene, score: scores[labels.indexOf(scene)] ?? 0 };
  }

  dispose(): Promise<void> {
    return this.classifier.dispose();
  }
}
