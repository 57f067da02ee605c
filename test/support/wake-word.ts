import { seededRandom } from '../../src/random';
import type { NewBundle } from '../../src/bundles/write';
import { COMPANION_RULES, exportedInput, exportOnnx, SCORES } from '../../src/lab/wake-word/training/export';
import { createNetwork, type Network, type NetworkShape } from '../../src/lab/wake-word/network/parameters';
import { MEL_BANDS } from '../../src/voice/features/features';

/** A network of random weights whose scores move; what it says of sound is arbitrary. */
export function randomNetwork(seed = 1, shape: NetworkShape = { channels: 16, units: 24 }): Network {
  const network = createNetwork(shape, MEL_BANDS, seed);
  const random = seededRandom(seed);
  const shake = (values: Float32Array, scale: number): void => {
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + scale * random.normal();
  };
  for (const { data } of Object.values(network.parameters)) shake(data, 0.1);
  for (const { mean, variance } of [network.norm1, network.norm2]) {
    shake(mean, 0.2);
    for (let i = 0; i < variance.length; i++) variance[i] = random.between(0.05, 1);
  }
  network.parameters['dense.bias'].data[0] = 0;
  return network;
}

/** The bundle of such a network, and of its companions, as `writeBundle` takes it. */
export function wakeWordBundle(
  name: string,
  network: Network = randomNetwork(),
  companions: readonly Network[] = [],
): NewBundle {
  const input = exportedInput(network);
  const random = seededRandom(5);
  const frames = 4 * input.framesPerStep;
  const filled = (dims: readonly number[]) => ({
    data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.next()),
    dims,
  });
  const parts = (one: Network) => {
    const { states } = exportedInput(one);
    const goldenStates = Object.fromEntries(states.map((state) => [state.input, filled(state.dims)]));
    return { states, modelBytes: exportOnnx(one), goldenStates };
  };
  return {
    card: {
      task: 'wake-word',
      name,
      version: '1.0.0',
      summary: 'Random weights for tests; hears nothing in particular.',
      set: null,
      licence: { spdx: 'Apache-2.0', origin: 'made by a test', trainingData: 'none' },
      input,
      output: {
        decoding: 'wake-word',
        output: SCORES,
        word: name.replace(/^wake-/, ''),
        strideMs: 30,
        trigger: { meanMs: 180, patience: 2 },
        operatingPoints: [
          { falseAcceptsPerHour: 0.5, score: 0.6, misses: [{ condition: 'clean', miss: 0.02 }], measuredOn: 'nothing' },
        ],
        presets: { low: 0.6, medium: 0.6, high: 0.6 },
      },
      alignment: null,
      figures: [],
    },
    ...parts(network),
    goldenInput: filled([1, frames, MEL_BANDS]),
    ...(companions.length > 0 && { companions: { rules: COMPANION_RULES, networks: companions.map(parts) } }),
    tolerance: 1e-4,
  };
}
