import { CPU_ONE_THREAD } from '../../../../src/inference/model';
import { loadTfjs } from '../../../../src/lab/learning/tensorflow';
import { loadOnnx } from '../../../../src/inference/onnx';
import { Arena } from '../../../../src/lab/wake-word/network/arena';
import { assemble } from '../../../../src/lab/wake-word/training/batches';
import { calibrate } from '../../../../src/lab/wake-word/training/calibrate';
import { type RoundResult, type TrainingState } from '../../../../src/lab/wake-word/training/checkpoint';
import { exportOnnx } from '../../../../src/lab/wake-word/training/export';
import { importNetwork } from '../../../../src/lab/wake-word/training/import';
import { OnnxGraph } from '../../../../src/onnx/writer';
import { Listener } from '../../../../src/lab/wake-word/training/listener';
import { score } from '../../../../src/lab/wake-word/network/network';
import { type Network, PARAMETER_NAMES } from '../../../../src/lab/wake-word/network/parameters';
import {
  DEFAULT_PLAN,
  train,
  type TrainerOptions,
  type TrainingPlan,
} from '../../../../src/lab/wake-word/training/trainer';
import { loadCheckpoint, saveCheckpoint } from '../../../../src/lab/wake-word/training/checkpoint';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MEL_BANDS } from '../../../../src/voice/features/features';
import { ToneSource } from '../../../support/tone-source';
import { randomNetwork } from '../../../support/wake-word';

const PLAN: TrainingPlan = {
  ...DEFAULT_PLAN,
  shape: { channels: 8, units: 16 },
  steps: 110,
  batch: 16,
  mining: 1,
  miningHours: 0.005,
  miningMost: 12,
  validationHours: 0.02,
  validationTrials: 12,
};

interface Run {
  readonly network: Network;
  readonly state: TrainingState;
  readonly rounds: RoundResult[];
}

async function run(plan: TrainingPlan, options: Partial<TrainerOptions> = {}): Promise<Run> {
  const rounds: RoundResult[] = [];
  const trained = await train({
    plan,
    source: new ToneSource(),
    from: null,
    companions: [],
    resumed: null,
    save: () => Promise.resolve(),
    onProgress: () => undefined,
    onRound: (result) => rounds.push(result),
    ...options,
  });
  return { ...trained, rounds };
}

let first: Promise<Run> | null = null;
/** The plain plan, trained once for all tests that need its result. */
const trainedOnce = (): Promise<Run> => (first ??= run(PLAN));

const weightsOf = ({ parameters, norm1, norm2 }: Network): number[] => [
  ...PARAMETER_NAMES.flatMap((name) => [...parameters[name].data]),
  ...[norm1, norm2].flatMap(({ mean, variance }) => [...mean, ...variance]),
];

describe('training', () => {
  jest.setTimeout(120_000);

  it('learns to hear the word and not what sounds like it, and mines what it mistakes', async () => {
    const { rounds, state } = await trainedOnce();
    expect(rounds.map(({ round, step }) => [round, step])).toEqual([
      [0, 35],
      [1, 110],
    ]);
    expect(state.losses[0]!.loss).toBeGreaterThan(2 * state.losses.at(-1)!.loss);
    expect(rounds[1]!.falseAcceptsPerHour).toBe(0);
    expect(rounds[1]!.rank).toBeLessThan(0.3);
    expect(state.mined[0]!.negatives.length).toBeGreaterThan(0);
    expect(state.best).not.toBeNull();
  });

  it('measures the mean of the networks that later rounds ended with, and keeps it if it is the best', async () => {
    const ends = new Map<number, number[]>();
    const { network, rounds, state } = await run(
      { ...PLAN, mining: 2 },
      {
        save: (now) => {
          ends.set(now.step, weightsOf(now.network));
          return Promise.resolve();
        },
      },
    );
    expect(rounds.map(({ round, step }) => [round, step])).toEqual([
      [0, 35],
      [1, 73],
      [2, 110],
      [3, 110],
    ]);
    const mean = weightsOf(state.mean!.network);
    // The statistics behind the weights are the mean network's own.
    const learnt = PARAMETER_NAMES.reduce((sum, name) => sum + network.parameters[name].data.length, 0);
    for (let i = 0; i < learnt; i++) expect(mean[i]).toBeCloseTo((ends.get(73)![i]! + ends.get(110)![i]!) / 2, 5);
    const best = rounds.reduce((a, b) => (b.falseAcceptsPerHour <= a.falseAcceptsPerHour && b.rank <= a.rank ? b : a));
    expect(isDeepStrictEqual(weightsOf(network), mean)).toBe(best === rounds[3]);
  });

  it('goes on from a checkpoint as if it had never stopped', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'usher-training-'));
    const file = path.join(dir, 'checkpoint');
    try {
      const plan = { ...PLAN, steps: 24 };
      const whole = await run(plan);
      const stop = new AbortController();
      const stopped = run(plan, {
        signal: stop.signal,
        save: (state) => saveCheckpoint(file, 'this one', state),
        // In the second round, so that what was mined must come back too.
        onProgress: (label, share) => {
          if (label.startsWith('training, round 1') && share > 0.4) stop.abort();
        },
      });
      await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
      const resumed = await loadCheckpoint(file, 'this one');
      expect(resumed!.step).toBeGreaterThan(8);
      expect(resumed!.step).toBeLessThan(24);
      const source = new ToneSource();
      const continued = await run(plan, { resumed, source });
      expect(weightsOf(continued.state.network)).toEqual(weightsOf(whole.state.network));
      expect(weightsOf(continued.network)).toEqual(weightsOf(whole.network));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('keeps the last checkpoint and says why when one cannot be written', async () => {
    const refuse = (): Promise<void> => Promise.reject(new Error('ENOSPC: no space left on device'));
    await expect(run({ ...PLAN, steps: 4, mining: 0 }, { save: refuse })).rejects.toThrow('ENOSPC');
  });
});

describe('a shipped network, taken apart to be trained further', () => {
  it('computes what it computed, before and after its statistics are measured', async () => {
    const { tf } = await loadTfjs('wasm');
    const engine = { tf, arena: new Arena() };
    const source = new ToneSource();
    const clips = await Promise.all(Array.from({ length: 8 }, (_, seed) => source.clip({ seed })));
    const batch = assemble(clips, 1);
    const network = randomNetwork();
    const before = score(engine, network, batch);
    const imported = importNetwork(exportOnnx(network), { name: 'wake-test' });
    expectNear(score(engine, imported, batch), before);
    calibrate(engine, imported, batch);
    expect(imported.norm1.mean.some((value) => Math.abs(value) > 0.01)).toBe(true);
    expectNear(score(engine, imported, batch), before);
  });

  it('is refused when usher did not write it', async () => {
    const bare = new OnnxGraph('bare').encode();
    expect(() => importNetwork(bare, { name: 'odd' })).toThrow(/odd is not a wake word/);
    expect(() => importNetwork(Uint8Array.of(1, 2, 3), { name: 'odd' })).toThrow(/odd cannot be read/);
    await expect(loadOnnx(exportOnnx(randomNetwork()), CPU_ONE_THREAD)).resolves.toBeDefined();
  });
});

it('a network that is not whole is not trained further, wherever it was cut off', () => {
  const whole = exportOnnx(randomNetwork());
  for (let missing = 1; missing <= 40; missing++)
    expect(() => importNetwork(whole.subarray(0, whole.length - missing), { name: 'cut' })).toThrow(
      /cut cannot be read/,
    );
});

describe('two networks of one word', () => {
  const pair = [randomNetwork(1), randomNetwork(2, { channels: 8, units: 16 })] as const;

  it('answer their mean logit, from the states of each', async () => {
    const features = Float32Array.from({ length: 60 * MEL_BANDS }, (_, i) => Math.sin(i));
    const scoresOf = async (...members: [Network, ...Network[]]): Promise<Float32Array> => {
      const listener = await Listener.of(members);
      const hear = listener.hear();
      const parts = [await hear(features.subarray(0, 31 * MEL_BANDS)), await hear(features.subarray(31 * MEL_BANDS))];
      await listener.close();
      return Float32Array.from(parts.flatMap((part) => [...part]));
    };
    const logit = (p: number): number => Math.log(p / (1 - p));
    const [both, first, second] = [await scoresOf(...pair), await scoresOf(pair[0]), await scoresOf(pair[1])];
    const mean = first.map((p, i) => 1 / (1 + Math.exp(-(logit(p) + logit(second[i]!)) / 2)));
    expect(both.length).toBe(20);
    expectNear(both, mean);
    expect(Math.max(...both.map((p, i) => Math.abs(p - first[i]!)))).toBeGreaterThan(0.01);
  });

  it('are trained one beside the other, which stays as it was', async () => {
    const { network } = await trainedOnce();
    const before = weightsOf(network);
    const { rounds } = await run({ ...PLAN, seed: 2, steps: 4 }, { companions: [network] });
    const alone = await run({ ...PLAN, seed: 2, steps: 4 });
    expect(weightsOf(network)).toEqual(before);
    // After four steps it knows nothing; what is measured is what both say.
    expect(rounds.at(-1)!.rank).toBeLessThan(alone.rounds.at(-1)!.rank);
  });
});

function expectNear(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(worst).toBeLessThan(2e-5);
}
