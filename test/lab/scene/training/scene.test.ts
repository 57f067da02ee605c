import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../../../src/random';
import { parseLabels, readSceneData } from '../../../../src/lab/scene/evaluation/data';
import { evaluateScene } from '../../../../src/lab/scene/evaluation/evaluate';
import { CPU_ONE_THREAD } from '../../../../src/inference/model';
import { loadTfjs, type Tf } from '../../../../src/lab/learning/tensorflow';
import { writeScene } from '../../../../src/lab/scene/training/export';
import { logisticLoss } from '../../../../src/lab/scene/training/logistic';
import { SceneNetwork } from '../../../../src/lab/scene/training/network';
import { SCENE_TRAINING, splitPictures, trainScene, wholePictures } from '../../../../src/lab/scene/training/train';
import { loadScene } from '../../../../src/vision/scene/scene';
import { encodePng } from '../../../../src/vision/picture/picture';

let tf: Tf;
let dir: string;
beforeAll(async () => {
  ({ tf } = await loadTfjs());
  dir = mkdtempSync(join(tmpdir(), 'usher-scene-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A picture whose upper half is bright or dark, and whose lower half is red or blue: two labels that are independent. */
async function paint(file: string, bright: boolean, red: boolean, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const [width, height] = [40, 24];
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const upper = i < (width * height) / 2;
    const level = upper ? (bright ? 200 : 50) : 60;
    for (let c = 0; c < 3; c++) {
      const tint = !upper && c === (red ? 0 : 2) ? 140 : 0;
      data[3 * i + c] = level + tint + random.below(30);
    }
  }
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, await encodePng({ width, height, data }));
}

describe('logisticLoss', () => {
  test('is what its formula says, and overflows nowhere', () => {
    const logits = [-2, 0.5, 3, 0];
    const targets = [0, 1, 1, 1];
    const expected = logits.map((z, i) => {
      const p = 1 / (1 + Math.exp(-z));
      return targets[i] === 1 ? -Math.log(p) : -Math.log(1 - p);
    });
    const loss = logisticLoss(tf, tf.tensor2d(logits, [4, 1]), tf.tensor2d(targets, [4, 1])).dataSync()[0];
    expect(loss).toBeCloseTo(expected.reduce((a, b) => a + b) / 4, 5);
    const far = logisticLoss(tf, tf.tensor2d([[-200], [200]]), tf.tensor2d([[1], [1]])).dataSync()[0];
    expect(far).toBeCloseTo(100, 3);
  });

  test('has the gradient that finite differences give', () => {
    const logits = [-1.5, -0.2, 0.7, 2.5, 0.1, -3];
    const targets = tf.tensor2d([0, 1, 1, 0, 0.3, 1], [3, 2]);
    const of = (values: number[]): number =>
      logisticLoss(tf, tf.tensor2d(values, [3, 2]), targets).dataSync()[0] as number;
    const gradient = tf
      .grad((z) => logisticLoss(tf, z, targets))(tf.tensor2d(logits, [3, 2]))
      .dataSync();
    const step = 1e-2;
    logits.forEach((value, i) => {
      const at = (delta: number): number[] => logits.map((other, k) => (k === i ? value + delta : other));
      expect(gradient[i]).toBeCloseTo((of(at(step)) - of(at(-step))) / (2 * step), 3);
    });
  });
});

describe('labelled pictures', () => {
  test('one that is in both parts stays in the test, whatever its file is called; twins in training count once', async () => {
    const root = join(dir, 'twins');
    await paint(join(root, 'training/day/a.png'), true, true, 1);
    await paint(join(root, 'training/day/b.png'), true, true, 1);
    await paint(join(root, 'training/day/c.png'), true, true, 2);
    await paint(join(root, 'training/night/d.png'), false, true, 3);
    await paint(join(root, 'test/day/other-name.png'), true, true, 2);
    await paint(join(root, 'test/night/e.png'), false, true, 4);
    const data = await readSceneData(root);
    expect(data.kind).toBe('binary');
    expect(data.labels).toEqual(['day', 'night']);
    expect(data.duplicates).toEqual([
      [join('training/day/b.png'), join('training/day/a.png')],
      [join('training/day/c.png'), join('test/day/other-name.png')],
    ]);
    expect(data.training.map(({ file }) => file)).toEqual(['training/day/a.png', 'training/night/d.png']);
    expect(data.test).toHaveLength(2);
  });

  test.each([
    ['no comma', 'training/a.png day'],
    ['no part', 'a.png,day'],
    ['out of the folder', 'training/../../a.png,day'],
    ['absolute', '/training/a.png,day'],
    ['a label with capitals', 'test/a.png,Day'],
  ])('a line is refused: %s', (_, line) =>
    expect(() => parseLabels(`# head\n${line}`, 'labels.csv')).toThrow(/line 2/),
  );

  test('a folder without the layout says what it wants', async () => {
    await expect(readSceneData(join(dir, 'nothing'))).rejects.toThrow(/cannot be read/);
    const root = join(dir, 'one-label');
    await paint(join(root, 'training/day/a.png'), true, true, 1);
    await paint(join(root, 'test/day/b.png'), true, true, 2);
    await expect(readSceneData(root)).rejects.toThrow(/two labels are needed/);
  });

  test('the split takes the same share of every label, and is the same for the same seed', () => {
    const pictures = Array.from({ length: 50 }, (_, i) => ({
      file: `${i}`,
      part: 'training' as const,
      targets: Float32Array.of(i < 10 ? 1 : 0),
      grid: new Uint8Array(0),
    }));
    const { fitted, validation } = splitPictures(pictures, 7);
    expect(fitted).toHaveLength(40);
    expect(validation.filter(({ targets }) => targets[0] === 1)).toHaveLength(2);
    expect(splitPictures(pictures, 7)).toEqual({ fitted, validation });
  });
});

/** Several labels of one picture, none to all of them: trained, written, loaded and judged as it will run. */
test('a multi-hot head learns labels that hold together, and the bundle computes what was trained', async () => {
  const root = join(dir, 'multi');
  const lines: string[] = [];
  let seed = 100;
  for (const [part, count] of [
    ['training', 32],
    ['test', 12],
  ] as const)
    for (let i = 0; i < count; i++) {
      const [bright, red] = [i % 2 === 0, i % 4 < 2];
      await paint(join(root, part, `${i}.png`), bright, red, seed++);
      lines.push(`${part}/${i}.png,${[bright ? 'bright' : '', red ? 'red' : ''].join(' ')}`);
    }
  writeFileSync(join(root, 'labels.csv'), lines.join('\n'));
  const data = await readSceneData(root);
  expect(data.kind).toBe('multi-label');
  expect(data.labels).toEqual(['bright', 'red']);
  const augmentation = { crop: [0.9, 1], stops: [0, 0], gamma: [1, 1], warmth: 0, grey: 0, noise: 2 } as const;
  const options = { ...SCENE_TRAINING, learningRate: 1e-2, epochs: 12, batch: 16, augmentation, seed: 3 };
  const trained = trainScene(tf, data, { ...options, architecture: 'small', size: 16 });
  expect(trained.epochs.at(-1)!.loss).toBeLessThan(trained.epochs[0]!.loss);

  const models = join(dir, 'models');
  const figures = [{ name: 'scene.accuracy', value: 1, unit: 'ratio' }];
  await writeScene(models, { name: 'multi', trained, data, origin: 'made for a test', command: 'usher', figures });
  const classifier = await loadScene(models, 'multi', CPU_ONE_THREAD);
  const { judged } = await evaluateScene(classifier, data);
  expect(judged.filter(({ right }) => right).length).toBeGreaterThanOrEqual(11);
  // Pictures with both labels and with none are among those that are right.
  expect(new Set(judged.filter(({ right }) => right).map(({ said }) => said.join('+')))).toEqual(
    new Set(['', 'bright', 'red', 'bright+red']),
  );

  const network = new SceneNetwork(tf, trained.shape, seededRandom(1));
  network.load(trained.weights);
  const pixels = wholePictures(data.test, 16);
  const scores = tf.sigmoid(network.logits(tf.tensor4d(pixels, [data.test.length, 16, 16, 3]))).dataSync();
  judged.forEach((one, i) =>
    one.scores.forEach((score, k) => expect(score).toBeCloseTo(scores[i * 2 + k] as number, 4)),
  );
  network.dispose();
  await classifier.dispose();
}, 120_000);

test('the plain unit is exported as it was trained', async () => {
  const pictures = Array.from({ length: 8 }, (_, i) => ({
    file: `${i}`,
    part: 'training' as const,
    targets: Float32Array.of(i % 2),
    grid: new Uint8Array(3 * 256 * 256).map((_, at) => (i % 2 === 0 ? 60 : 190) + (at % 23)),
  }));
  const data = { kind: 'binary' as const, labels: ['day', 'night'], training: pictures, test: pictures };
  const options = { ...SCENE_TRAINING, epochs: 4, batch: 4, seed: 1, augmentation: null };
  const trained = trainScene(tf, data, { ...options, architecture: 'unit', size: 16 });
  const models = join(dir, 'models');
  await writeScene(models, { name: 'unit', trained, data, origin: 'made', command: 'usher', figures: [] });
  const classifier = await loadScene(models, 'unit', CPU_ONE_THREAD);
  const network = new SceneNetwork(tf, trained.shape, seededRandom(1));
  network.load(trained.weights);
  const scores = tf.sigmoid(network.logits(tf.tensor4d(wholePictures(pictures, 16), [8, 16, 16, 3]))).dataSync();
  const { judged } = await evaluateScene(classifier, data);
  judged.forEach(({ scores: own, right }, i) => {
    expect(own[0]).toBeCloseTo(scores[i] as number, 4);
    expect(right).toBe(true);
  });
  network.dispose();
  await classifier.dispose();
}, 60_000);
