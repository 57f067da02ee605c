import type { NewBundle } from '../../../bundles/write';
import { seededRandom } from '../../../random';
import type { Card, Sensitivity } from '../../../inference/card';
import type { Tensor } from '../../../inference/model';
import { TRAINED_ON_FILE, trainedOnBytes } from '../evaluation/trained-on';
import { MEL_BANDS } from '../../../voice/features/features';
import { COMPANION_RULES, exportedInput, exportOnnx, SCORES } from './export';
import { operatingPoints, type Setting, settingAt } from './operating-points';
import { type Network, parameterCount, STRIDE_FRAMES } from '../network/parameters';
import { STEP_MS, TRIGGER } from './trainer';

export interface WakeWordFacts {
  /** Of the bundle. */
  readonly name: string;
  readonly word: string;
  readonly version: string;
  /** What it was trained on, for people. */
  readonly trainingData: string;
  /** The exact command. */
  readonly command: string;
  /** The one that listens always, then its companions. */
  readonly members: readonly [Network, ...Network[]];
  /** Of the validation part at every threshold, and of what that part is. */
  readonly settings: readonly Setting[];
  readonly measuredOn: string;
  /** Content hashes of the recordings that it was trained on and chosen by. */
  readonly recordings: readonly string[];
}

/** False accepts per hour that each sensitivity stands for; all are targets of the table, so that each finds its row there. */
const PRESETS: Readonly<Record<Sensitivity, number>> = { low: 0.1, medium: 0.5, high: 2 };
const GOLDEN_STEPS = 8;
/** Another processor's sums end otherwise; a score is good to this. */
const TOLERANCE = 1e-4;

/** The bundle of a trained word: network, card with its measured operating points, golden vectors. */
export function wakeWordBundle(facts: WakeWordFacts): NewBundle {
  const [first, ...others] = facts.members;
  const random = seededRandom(1);
  const filled = (dims: readonly number[], low: number): Tensor => ({
    data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.between(low, 1)),
    dims,
  });
  const partsOf = (network: Network) => {
    const { states } = exportedInput(network);
    // States in motion, so that a pair that was mixed up shows.
    const goldenStates = Object.fromEntries(states.map(({ input, dims }) => [input, filled(dims, -1)]));
    return { states, modelBytes: exportOnnx(network), goldenStates };
  };
  return {
    card: cardOf(facts),
    goldenInput: filled([1, GOLDEN_STEPS * STRIDE_FRAMES, MEL_BANDS], 0),
    ...partsOf(first),
    ...(others.length > 0 && { companions: { rules: COMPANION_RULES, networks: others.map(partsOf) } }),
    moreFiles: { [TRAINED_ON_FILE]: trainedOnBytes(facts.recordings) },
    tolerance: TOLERANCE,
  };
}

function cardOf({ name, word, version, trainingData, command, members, settings, measuredOn }: WakeWordFacts) {
  const preset = (rate: number): number => settingAt(settings, rate).threshold;
  return {
    task: 'wake-word',
    name,
    version,
    summary: `Hears “${word}”: ${members.map(layersOf).join(', beside ')}, ${members.reduce((sum, one) => sum + parameterCount(one), 0)} parameters.`,
    set: null,
    licence: { spdx: 'Apache-2.0', origin: `trained by usher: ${command}`, trainingData },
    input: exportedInput(members[0]),
    output: {
      decoding: 'wake-word',
      output: SCORES,
      word,
      strideMs: STEP_MS,
      trigger: { meanMs: TRIGGER.meanMs, patience: TRIGGER.patience },
      operatingPoints: operatingPoints(settings, measuredOn),
      presets: { low: preset(PRESETS.low), medium: preset(PRESETS.medium), high: preset(PRESETS.high) },
    },
    alignment: null,
    figures: figuresOf(settingAt(settings, PRESETS.medium), measuredOn),
  } satisfies Omit<Card, 'schema' | 'model' | 'files' | 'golden'>;
}

const layersOf = ({ shape }: Network): string =>
  `${shape.channels} channels of convolution and two GRUs of ${shape.units}`;

function figuresOf({ misses, falseAcceptsPerHour }: Setting, data: string): Card['figures'] {
  return [
    ...misses.map(({ condition, miss }) => ({
      name: `wake.miss_${condition.replaceAll('-', '_')}_at_0.5_per_hour`,
      value: Number(miss.toFixed(4)),
      unit: 'ratio',
      data,
    })),
    { name: 'wake.false_accepts_per_hour', value: Number(falseAcceptsPerHour.toFixed(3)), unit: '1/h', data },
  ];
}
