import { wilson } from '../../report/intervals';
import type { SceneData } from '../evaluation/data';
import { brightnessBaseline } from '../evaluation/evaluate';
import { linearAxis } from '../../report/svg-axes';
import { colourOf, plotSvg } from '../../report/svg-plot';
import type { Figure } from '../../report/figure';
import type { Tf } from '../../learning/tensorflow';
import { type SceneArchitecture, SceneNetwork } from './network';
import { type SceneTraining, type TrainedScene, trainScene, wholePictures } from './train';
import { seededRandom } from '../../../random';

/** Sides at which people are asked as well: the smallest without loss is taken. */
export const STUDY_SIZES = [16, 32, 64, 128] as const;
const ARCHITECTURES: readonly SceneArchitecture[] = ['unit', 'small'];

export interface StudyResult {
  readonly architecture: SceneArchitecture;
  readonly size: number;
  readonly right: number;
  readonly pictures: number;
  readonly validationLoss: number;
}

/** How many test pictures have every label right, at the weights that were kept. */
export function rightOnTest(tf: Tf, trained: TrainedScene, data: Pick<SceneData, 'test'>): number {
  const { shape, weights } = trained;
  const network = new SceneNetwork(tf, shape, seededRandom(0));
  try {
    network.load(weights);
    const logits = tf.tidy(() => {
      const pixels = wholePictures(data.test, shape.size);
      const pictures = tf.tensor4d(pixels, [data.test.length, shape.size, shape.size, 3]);
      return network.logits(pictures).dataSync();
    });
    const wrong = data.test.filter(({ targets }, i) =>
      targets.some((target, k) => (logits[i * targets.length + k] as number) > 0 !== target > 0.5),
    );
    return data.test.length - wrong.length;
  } finally {
    network.dispose();
  }
}

/** Both architectures at every size, on the same split and seed. */
export function studySizes(
  tf: Tf,
  data: SceneData,
  options: Omit<SceneTraining, 'architecture' | 'size'>,
  onProgress: (label: string, share: number) => void = () => undefined,
): StudyResult[] {
  const results: StudyResult[] = [];
  for (const architecture of ARCHITECTURES)
    for (const size of STUDY_SIZES) {
      const trained = trainScene(tf, data, { ...options, architecture, size }, ({ epoch }) =>
        onProgress(`study: ${architecture} at ${size}×${size}`, (epoch + 1) / options.epochs),
      );
      const right = rightOnTest(tf, trained, data);
      results.push({
        architecture,
        size,
        right,
        pictures: data.test.length,
        validationLoss: trained.best.validationLoss,
      });
    }
  return results;
}

export function studyFigures(results: readonly StudyResult[]): Figure[] {
  return results.map(({ architecture, size, right, pictures }) => ({
    name: `scene.study.${architecture}_${size}`,
    value: right / pictures,
    unit: 'ratio',
    ...wilson(right, pictures),
    note: `${right} of ${pictures} test pictures`,
  }));
}

/** Accuracy over the side of the picture, with what brightness alone reaches. */
export function studySvg(results: readonly StudyResult[], data: SceneData): string {
  const baseline = brightnessBaseline(data);
  const names: Record<SceneArchitecture, string> = { unit: 'logistic unit on pixels', small: 'small network' };
  const lowest = Math.min(0.9, ...results.map(({ right, pictures }) => right / pictures));
  const axis = STUDY_SIZES.map((size) => Math.log2(size));
  const series = ARCHITECTURES.map((architecture, i) => ({
    name: names[architecture],
    colour: colourOf(i),
    points: results
      .filter((one) => one.architecture === architecture)
      .map(({ size, right, pictures }) => [Math.log2(size), right / pictures] as const),
  }));
  const flat = baseline === null ? [] : axis.map((x) => [x, baseline.right / data.test.length] as const);
  return plotSvg({
    title: 'Resolution study: the smallest picture without loss',
    x: {
      ...linearAxis('side of the picture, pixels', 3.5, 7.5, 1),
      ticks: STUDY_SIZES.map((size) => ({ value: Math.log2(size), text: String(size) })),
    },
    y: linearAxis('accuracy on the test pictures', Math.floor(lowest * 20) / 20, 1, 0.01),
    series: baseline === null ? series : [...series, { name: 'brightness alone', colour: colourOf(2), points: flat }],
  });
}

/** Loss over epochs, of what was fitted and of what was held back. */
export function lossSvg({ shape, epochs }: TrainedScene): string {
  const highest = Math.max(0.1, ...epochs.flatMap(({ loss, validationLoss }) => [loss, validationLoss]));
  const top = Math.ceil(highest * 10) / 10;
  return plotSvg({
    title: `Logistic loss, ${shape.architecture} at ${shape.size}×${shape.size}`,
    x: linearAxis('epoch', 0, Math.max(1, epochs.length - 1), Math.max(1, Math.ceil(epochs.length / 10))),
    y: linearAxis('loss', 0, top, top / 10),
    series: [
      { name: 'fitted (varied pictures)', colour: colourOf(0), points: epochs.map((e) => [e.epoch, e.loss] as const) },
      {
        name: 'held back (as they are)',
        colour: colourOf(1),
        points: epochs.map((e) => [e.epoch, e.validationLoss] as const),
      },
    ],
  });
}
