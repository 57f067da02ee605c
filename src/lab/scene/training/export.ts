import { goldenInput } from '../../../bundles/face-api/golden';
import { type CardDraft, writeBundle } from '../../../bundles/write';
import { imageInputOf } from '../../../inference/card';
import type { SceneData } from '../evaluation/data';
import type { Figure } from '../../report/figure';
import { SCENE_INPUT, SCENE_OUTPUT, sceneGraph } from './network';
import { SCENE_MEAN, SCENE_SCALE, type TrainedScene } from './train';

export interface SceneBundle {
  readonly name: string;
  readonly trained: TrainedScene;
  readonly data: Pick<SceneData, 'kind' | 'labels'>;
  /** Where the pictures come from, and whose they are. */
  readonly origin: string;
  /** The very command line. */
  readonly command: string;
  readonly figures: readonly Figure[];
}

/** Writes the trained network as a bundle and returns its folder. */
export function writeScene(modelsDir: string, bundle: SceneBundle): Promise<string> {
  const card = sceneCard(bundle);
  const { trained } = bundle;
  return writeBundle(modelsDir, {
    card,
    modelBytes: sceneGraph(trained.shape, trained.weights),
    goldenInput: goldenInput(imageInputOf(card), trained.shape.size, trained.shape.size),
  });
}

function sceneCard({ name, trained, data, origin, command, figures }: SceneBundle): CardDraft {
  const { size } = trained.shape;
  const what = data.labels.join(', ');
  return {
    task: 'scene',
    name,
    version: '1.0.0',
    summary: `Tells what a whole camera picture is of (${what}). ${trained.fitted} pictures fitted, ${trained.validated} chose the epoch.`,
    set: null,
    licence: { spdx: 'Apache-2.0', origin: `trained by: ${command}`, trainingData: origin },
    input: {
      kind: 'image',
      name: SCENE_INPUT,
      layout: 'NCHW',
      colour: 'RGB',
      width: size,
      height: size,
      multiple: 1,
      mean: [SCENE_MEAN, SCENE_MEAN, SCENE_MEAN],
      scale: [SCENE_SCALE, SCENE_SCALE, SCENE_SCALE],
    },
    output: { decoding: 'scene-scores', output: SCENE_OUTPUT, kind: data.kind, labels: [...data.labels] },
    alignment: null,
    figures: figures.flatMap((figure) =>
      figure.value === null
        ? []
        : [{ name: figure.name, value: figure.value, unit: figure.unit, data: figure.note ?? origin }],
    ),
  };
}
