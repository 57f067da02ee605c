import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendMatrixProduct } from '../../../onnx/edit';
import { writeBundle } from '../../../bundles/write';
import { UsherError } from '../../../errors';
import { fnmrAtFmr, type Scores } from '../../report/det';
import { type Bundle, readBundle } from '../../../inference/bundle';
import type { Card, CardOutput, ThresholdRow } from '../../../inference/card';
import { sha256Hex } from '../../../digest';

export interface HeadBundle {
  /** Name of the new bundle. */
  readonly name: string;
  /** dimensions × dimensions. */
  readonly matrix: Float32Array;
  readonly thresholds: readonly ThresholdRow[];
  /** Persons and command, for the card. */
  readonly trainedOn: string;
  readonly figures: Card['figures'];
}

/** Rates of a door's table. `distanceFor` extrapolates to rates that cannot be measured. */
const TABLE_FMRS = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4] as const;
/** With one row nothing can be extrapolated, and no door could use a stricter rate. */
const LEAST_ROWS = 2;

/**
 * The threshold table of the new space, from comparisons of persons whom the heads had not seen. Each of those heads
 * lacked some persons, while the shipped head learned from all; it is at least as good and slightly different. Rows
 * that rest on fewer than 30 false matches are marked rough, and used only if there are too few others.
 * @throws UsherError `data-invalid` if not even rough rows can be measured
 */
export function headThresholds(after: Scores, measuredOn: string): ThresholdRow[] {
  const rows = TABLE_FMRS.flatMap((fmr) => {
    const { point, support } = fnmrAtFmr(after, fmr);
    if (point === null || !(point.threshold > 0 && point.threshold < Infinity)) return [];
    const note = support === 'good' ? measuredOn : `${measuredOn}; rough: fewer than 30 false matches set this row`;
    // Rounded down: a looser threshold would exceed the row's rate.
    return [{ fmr, distance: Math.floor(point.threshold * 1e5) / 1e5, fnmr: point.fnmr, measuredOn: note, support }];
  });
  const good = rows.filter(({ support }) => support === 'good');
  const taken = good.length >= LEAST_ROWS ? good : rows;
  if (taken.length < LEAST_ROWS)
    throw new UsherError(
      'data-invalid',
      `${after.impostor.count} comparisons of different persons tell no thresholds`,
      {
        remedy: 'At least 334 are needed, better 30,000: more persons, or more pictures of each.',
      },
    );
  return taken.map(({ fmr, distance, fnmr, measuredOn: note }) => ({ fmr, distance, fnmr, measuredOn: note }));
}

/**
 * Writes an encoder bundle with the frozen encoder and the head as one network. It is loaded, checked by golden vectors
 * and run like any other. Its space is new and named after the weights, so that two trainings never share a space.
 * @param base folder of the frozen encoder's bundle
 * @returns the new folder
 * @throws UsherError `model-missing`, `model-invalid`, `usage` (a name that would replace the encoder itself)
 */
export async function writeHeadBundle(modelsDir: string, base: string, head: HeadBundle): Promise<string> {
  const bundle = await readBundle(join(modelsDir, base));
  const { card } = bundle;
  const output = encoderOutput(card);
  if (head.name === card.name)
    throw new UsherError('usage', `the new bundle would replace its own encoder, ${card.name}`, {
      remedy: 'Give another --name.',
    });
  const bytes = littleEndian(head.matrix);
  const mark = sha256Hex(bytes).slice(0, 8);
  const value = `embedding_${mark}`;
  const modelBytes = appendMatrixProduct(await readFile(bundle.modelFile), {
    input: output.output,
    output: value,
    rows: output.dimensions,
    columns: output.dimensions,
    matrix: head.matrix,
  });
  return writeBundle(modelsDir, {
    card: {
      task: card.task,
      name: head.name,
      version: '1.0.0',
      summary: `${card.name} with a linear head that was trained on ${head.trainedOn}.`,
      set: null,
      licence: {
        ...card.licence,
        origin: `${card.licence.origin}; head by usher train face-head`,
        trainingData: `${card.licence.trainingData}; head: ${head.trainedOn}`,
      },
      input: card.input,
      output: {
        ...output,
        output: value,
        space: `${output.space.slice(0, 50)}.h-${mark}`,
        normalise: true,
        thresholds: [...head.thresholds],
      },
      alignment: card.alignment,
      head: { fromSpace: output.space, file: 'head.f32' },
      figures: head.figures,
    },
    modelBytes,
    goldenInput: await goldenInput(bundle),
    moreFiles: { 'head.f32': bytes },
    tolerance: card.golden.tolerance,
  });
}

/** @throws UsherError `usage` for a bundle that is no encoder, `model-invalid` for one whose output is not one row */
export function encoderOutput({ name, output, golden }: Card): CardOutput<'embedding'> {
  if (output.decoding !== 'embedding') throw new UsherError('usage', `${name} is not an encoder`);
  const dims = golden.outputs.find((one) => one.name === output.output)?.dims;
  if (dims?.length !== 2 || dims[0] !== 1 || dims[1] !== output.dimensions)
    throw new UsherError('model-invalid', `${name}: a head needs an output of 1 × ${output.dimensions}`);
  return output;
}

async function goldenInput({ dir, card }: Bundle): Promise<{ data: Float32Array; dims: readonly number[] }> {
  const bytes = await readFile(join(dir, card.golden.input));
  const data = Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => bytes.readFloatLE(4 * i));
  return { data, dims: card.golden.inputDims };
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return bytes;
}
