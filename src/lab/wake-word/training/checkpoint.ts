import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../../errors';
import { writeDurably } from '../../../files/durable-file';
import { type AdamState, createAdam } from '../network/adam';
import { MEL_BANDS } from '../../../voice/features/features';
import type { MinedNegative } from './mining';
import { createNetwork, type Network, PARAMETER_NAMES } from '../network/parameters';
import { sha256Hex } from '../../../digest';

const Loss = z.object({ step: z.number(), loss: z.number() });
const RoundResult = z.object({
  round: z.number(),
  step: z.number(),
  threshold: z.number(),
  falseAcceptsPerHour: z.number(),
  misses: z.array(z.object({ condition: z.string(), miss: z.number() })),
  minedNegatives: z.number(),
  /** Mean miss over the conditions and over rates about the allowed one: what networks are compared by. */
  rank: z.number(),
});
export type LossPoint = z.infer<typeof Loss>;
export type RoundResult = z.infer<typeof RoundResult>;

const Header = z.object({
  format: z.literal(2),
  /** Of everything that makes a training what it is: another word, seed, size or data is another training. */
  fingerprint: z.string(),
  step: z.number(),
  adamSteps: z.number(),
  shape: z.object({ channels: z.number(), units: z.number() }),
  mined: z.array(z.object({ beforeStep: z.number(), scores: z.array(z.number()), lengths: z.array(z.number()) })),
  losses: z.array(Loss),
  rounds: z.array(RoundResult),
  hasBest: z.boolean(),
  meanOf: z.number(),
  sha256: z.string(),
});

/** Negatives that are at hand from a step on. */
export interface MinedRound {
  readonly beforeStep: number;
  readonly negatives: readonly MinedNegative[];
}

/** All that a training is, between two steps. */
export interface TrainingState {
  /** Steps that were made. */
  step: number;
  readonly network: Network;
  readonly adam: AdamState;
  /** The best network so far, by the validation's order. */
  best: Network | null;
  /** Of the networks that rounds ended with, and of how many. */
  mean: { readonly network: Network; readonly networks: number } | null;
  readonly mined: MinedRound[];
  readonly losses: LossPoint[];
  readonly rounds: RoundResult[];
}

/**
 * Writes the state so that a crash, a full disk or a pulled plug leaves this one or the one before: temporary file, flush, rename.
 * @throws UsherError `file-unreadable`; the checkpoint before is untouched
 */
export function saveCheckpoint(file: string, fingerprint: string, state: TrainingState): void {
  const body = encodeBody(state);
  const header: z.infer<typeof Header> = {
    format: 2,
    fingerprint,
    step: state.step,
    adamSteps: state.adam.steps,
    shape: state.network.shape,
    mined: state.mined.map(({ beforeStep, negatives }) => ({
      beforeStep,
      scores: negatives.map(({ score }) => score),
      lengths: negatives.map(({ samples }) => samples.length),
    })),
    losses: state.losses,
    rounds: state.rounds,
    hasBest: state.best !== null,
    meanOf: state.mean?.networks ?? 0,
    sha256: sha256Hex(body),
  };
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(json.length);
  try {
    writeDurably(file, Buffer.concat([size, json, body]), 'public');
  } catch (error) {
    throw new UsherError('file-unreadable', `the checkpoint ${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Make room on the disk, then go on from the checkpoint before with --resume.',
    });
  }
}

/**
 * @returns null where there is none
 * @throws UsherError `data-invalid` for one that is damaged, or of another training
 */
export async function loadCheckpoint(file: string, fingerprint: string): Promise<TrainingState | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new UsherError('file-unreadable', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const { header, body } = decode(file, bytes);
  if (header.fingerprint !== fingerprint)
    throw new UsherError('data-invalid', `${file} is the checkpoint of a training with other data or options`, {
      remedy: 'Give the same folders and options as then, or start again without --resume.',
    });
  return decodeBody(header, body);
}

function decode(file: string, bytes: Buffer): { header: z.infer<typeof Header>; body: Buffer } {
  try {
    const size = bytes.readUInt32LE(0);
    const header = Header.parse(JSON.parse(bytes.toString('utf8', 4, 4 + size)));
    const body = bytes.subarray(4 + size);
    if (sha256Hex(body) !== header.sha256) throw new Error('its checksum does not fit');
    return { header, body };
  } catch (error) {
    throw new UsherError('data-invalid', `${file} is no whole checkpoint: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Delete it and start again.',
    });
  }
}

/** Every array of numbers of the state, in a fixed order. */
function arraysOf({ network, adam, best, mean }: TrainingState): Float32Array[] {
  const ofNetwork = (one: Network): Float32Array[] => [
    ...PARAMETER_NAMES.map((name) => one.parameters[name].data),
    ...[one.norm1, one.norm2].flatMap(({ mean, variance }) => [mean, variance]),
  ];
  const others = [best, mean?.network ?? null].filter((one) => one !== null);
  return [...ofNetwork(network), ...adam.first, ...adam.second, ...others.flatMap(ofNetwork)];
}

function encodeBody(state: TrainingState): Buffer {
  const mined = state.mined.flatMap(({ negatives }) =>
    negatives.map(({ samples }) => Int16Array.from(samples, toInt16)),
  );
  return Buffer.concat(
    [...arraysOf(state), ...mined].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    ),
  );
}

function decodeBody(header: z.infer<typeof Header>, body: Buffer): TrainingState {
  const network = createNetwork(header.shape, MEL_BANDS, 0);
  const state: TrainingState = {
    step: header.step,
    network,
    adam: { ...createAdam(network), steps: header.adamSteps },
    best: header.hasBest ? createNetwork(header.shape, MEL_BANDS, 0) : null,
    mean: header.meanOf > 0 ? { network: createNetwork(header.shape, MEL_BANDS, 0), networks: header.meanOf } : null,
    mined: [],
    losses: header.losses,
    rounds: header.rounds,
  };
  let at = 0;
  for (const array of arraysOf(state)) for (let i = 0; i < array.length; i++, at += 4) array[i] = body.readFloatLE(at);
  for (const { beforeStep, scores, lengths } of header.mined) {
    const negatives = lengths.map((length, index) => {
      const samples = new Float32Array(length);
      for (let i = 0; i < length; i++, at += 2) samples[i] = body.readInt16LE(at) / 32_768;
      return { score: scores[index] ?? 0, samples };
    });
    state.mined.push({ beforeStep, negatives });
  }
  return state;
}

/** Mixed clips are of 16 bits already, so nothing is lost here. */
const toInt16 = (sample: number): number => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
