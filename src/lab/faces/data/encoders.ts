import { UsherError } from '../../../errors';
import { listBundles, readCard } from '../../../inference/bundle';
import type { Card, CardOutput } from '../../../inference/card';
import { MODEL_SETS, type ModelSet } from '../../../vision/faces/load';

/** An encoder under test, with its detector. */
export interface ChosenEncoder {
  readonly name: string;
  readonly detector: string;
  readonly set: ModelSet | null;
  readonly output: CardOutput<'embedding'>;
}

const isSet = (name: string): name is ModelSet => name in MODEL_SETS;

/**
 * Resolves `recommended`, `fallback` and names of encoder bundles. A set means all of its installed encoders, the
 * default one of a door first. Each is tested with the default detector of its set (a user's own encoder: of the
 * recommended set), or with `detector`.
 * @throws UsherError `usage` (no such encoder), `model-missing` (a set without encoders)
 */
export async function chooseEncoders(
  modelsDir: string,
  names: readonly string[],
  detector?: string,
): Promise<ChosenEncoder[]> {
  const cards = await Promise.all((await listBundles(modelsDir)).map(readCard));
  const installed = cards.flatMap((card) => encoderOf(card, detector));
  const chosen = names.flatMap((name) => {
    if (!isSet(name)) return installed.find((encoder) => encoder.name === name) ?? unknown(name, installed);
    const first = MODEL_SETS[name].encoder;
    const members = installed.filter(({ set }) => set === name);
    if (members.length === 0)
      throw new UsherError('model-missing', `${modelsDir} contains no encoder of the ${name} set`, {
        remedy: name === 'fallback' ? 'Run: usher models build' : 'Run: usher models pull',
      });
    return members.sort((a, b) => Number(b.name === first) - Number(a.name === first) || (a.name < b.name ? -1 : 1));
  });
  return chosen.filter(({ name }, i) => chosen.findIndex((other) => other.name === name) === i);
}

function encoderOf({ name, set, output }: Card, detector: string | undefined): ChosenEncoder[] {
  if (output.decoding !== 'embedding') return [];
  return [{ name, set, output, detector: detector ?? MODEL_SETS[set ?? 'recommended'].detector }];
}

function unknown(name: string, installed: readonly ChosenEncoder[]): never {
  const known = ['recommended', 'fallback', ...installed.map((encoder) => encoder.name)];
  throw new UsherError('usage', `--models: no encoder "${name}" is installed`, {
    remedy: `Known: ${known.join(', ')}`,
  });
}
