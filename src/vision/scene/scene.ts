import { resolve } from 'node:path';
import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import { openBundle, readCard } from '../../inference/bundle';
import { type CardOutput, type ImageInput, imageInputOf } from '../../inference/card';
import type { ExecutionOptions, Model } from '../../inference/model';
import type { Frame } from '../picture/frame';
import { SCENE_GRID, SceneGrid, shrinkGrid } from './scene-input';

/** The bundle that `usher train scene` made and the repository ships. */
export const SCENE_MODEL = 'scene';

/** What a whole picture is of. */
export interface SceneReading {
  /** Probability of each label of the card, in its order; for two that exclude one another they add up to 1. */
  readonly scores: readonly number[];
}

/** Probability of every label from what the network gave. */
export function sceneScores({ kind, labels }: CardOutput<'scene-scores'>, output: Float32Array): number[] {
  if (kind === 'binary') {
    const first = output[0] as number;
    return [first, 1 - first];
  }
  return labels.map((_, i) => output[i] as number);
}

/** Frame → probability of each label. Not re-entrant. */
export class SceneClassifier {
  private readonly grid = new SceneGrid();
  private readonly input: Float32Array;
  private readonly size: number;

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    readonly output: CardOutput<'scene-scores'>,
  ) {
    const { width, height, layout, colour } = image;
    const fits =
      width !== null && width === height && SCENE_GRID % (2 * width) === 0 && layout === 'NCHW' && colour === 'RGB';
    if (!fits)
      throw new UsherError(
        'model-invalid',
        `${running.name}: a scene model takes a square RGB picture in NCHW whose side divides ${SCENE_GRID / 2}`,
      );
    this.size = width;
    this.input = new Float32Array(3 * width * width);
  }

  get labels(): readonly string[] {
    return this.output.labels;
  }

  classify(frame: Frame): Promise<SceneReading> {
    return this.classifyGrid(this.grid.of(frame));
  }

  /** @param grid what `SceneGrid.of` gives */
  async classifyGrid(grid: Float32Array): Promise<SceneReading> {
    const { image, size } = this;
    shrinkGrid(grid, size, image.mean, image.scale, this.input);
    const outputs = await this.model.run({ [image.name]: { data: this.input, dims: [1, 3, size, size] } });
    const data = outputs[this.output.output]?.data;
    const wanted = this.output.kind === 'binary' ? 1 : this.output.labels.length;
    if (!(data instanceof Float32Array) || data.length !== wanted)
      throw new UsherError('model-invalid', `${this.running.name}: its output is not ${wanted} floats`);
    return { scores: sceneScores(this.output, data) };
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }
}

/**
 * @param bundle its name in `modelsDir`, or its folder
 * @throws UsherError `model-missing`, or `model-invalid` for a bundle that is broken or of another task
 */
export async function loadScene(
  modelsDir: string,
  bundle: string,
  execution: ExecutionOptions,
  wrap: (model: Model) => Model = (model) => model,
): Promise<SceneClassifier> {
  const dir = resolve(modelsDir, bundle);
  const card = await readCard(dir);
  const { task, name, output, version, files, model: file } = card;
  if (task !== 'scene' || output.decoding !== 'scene-scores')
    throw new UsherError('model-invalid', `${dir} is a ${task} model, here a scene model is needed`, {
      remedy: 'Name a bundle that `usher train scene` made.',
    });
  const { model } = await openBundle(dir, execution);
  const running: RunningModel = {
    task,
    name,
    version,
    sha256: files[file] ?? '',
    providersAsked: execution.providers,
    provider: model.provider,
  };
  return new SceneClassifier(running, wrap(model), imageInputOf(card), output);
}
