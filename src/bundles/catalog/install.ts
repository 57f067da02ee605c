import { UsherError } from '../../errors';
import { imageInputOf } from '../../inference/card';
import { CPU_ONE_THREAD, type Tensor } from '../../inference/model';
import { loadOnnx } from '../../inference/onnx';
import type { CatalogEntry } from './catalog';
import { espdlToInt8Onnx, espdlToOnnx, readEspdl } from '../espdl';
import { writeBundle } from '../write';

/** What another CPU or an accelerator with shorter multiplication may differ by; outputs are of the order of 0.1 to 10. */
const TOLERANCE = 0.01;

/** Of 8-bit graphs, on the artificial golden picture: rounding cascades differently in kernels that round otherwise. */
const INT8_TOLERANCE = 0.1;
/** Of an 8-bit graph's vector with the float graph's, on that picture; 0.947 where the arithmetic is right. */
const SMALLEST_COSINE = 0.9;

/**
 * Turns the verified bytes of a catalog file into a bundle and returns its folder.
 * @throws UsherError model-invalid or file-unreadable; then nothing is installed.
 */
export async function installEntry(modelsDir: string, entry: CatalogEntry, file: Uint8Array): Promise<string> {
  const golden = goldenInput(entry);
  const modelBytes = toOnnx(entry, file);
  const int8 = entry.importer === 'espdl-int8';
  if (int8) await requireAgreement(entry, modelBytes, toOnnx({ ...entry, importer: 'espdl' }, file), golden);
  return writeBundle(modelsDir, {
    card: entry.card,
    modelBytes,
    goldenInput: golden,
    tolerance: int8 ? INT8_TOLERANCE : TOLERANCE,
  });
}

function toOnnx(entry: CatalogEntry, file: Uint8Array): Uint8Array {
  if (entry.importer === 'onnx') return file;
  const [height, width] = entry.goldenSize;
  const { output } = entry.card;
  const dimensions = output.decoding === 'embedding' ? output.dimensions : 'values';
  const shape = { input: [1, 3, height, width], output: [1, dimensions] };
  const convert = entry.importer === 'espdl' ? espdlToOnnx : espdlToInt8Onnx;
  return convert(readEspdl(file), entry.name, shape).encode();
}

/**
 * 8-bit products overflow their 16-bit sums on x64 CPUs without VNNI (onnxruntime.ai, "Quantize ONNX models"),
 * silently, so check on the machine that is to run the graph.
 */
async function requireAgreement(
  entry: CatalogEntry,
  int8: Uint8Array,
  float: Uint8Array,
  golden: Tensor<Float32Array>,
): Promise<void> {
  const [a, b] = [await firstOutput(entry, int8, golden), await firstOutput(entry, float, golden)];
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  if (cosine >= SMALLEST_COSINE) return;
  throw new UsherError(
    'model-invalid',
    `${entry.name}: 8-bit arithmetic of this CPU is not right for it (cosine with the float form ${cosine.toFixed(3)})`,
    { remedy: 'Use the float form, mbf.' },
  );
}

async function firstOutput(
  { card }: CatalogEntry,
  modelBytes: Uint8Array,
  golden: Tensor<Float32Array>,
): Promise<Float32Array> {
  const model = await loadOnnx(modelBytes, CPU_ONE_THREAD);
  try {
    const [output] = Object.values(await model.run({ [card.input.name]: golden }));
    if (!(output?.data instanceof Float32Array)) throw new UsherError('model-invalid', `${card.name} gives no floats`);
    return Float32Array.from(output.data);
  } finally {
    await model.dispose();
  }
}

/** A picture of diagonal bands, prepared as the card says: reproducible, and rich enough to move every output. */
export function goldenInput({ card, goldenSize: [height, width] }: CatalogEntry): Tensor<Float32Array> {
  const image = imageInputOf(card);
  const data = new Float32Array(3 * height * width);
  let index = 0;
  for (let channel = 0; channel < 3; channel++) {
    const mean = image.mean[channel] ?? 0;
    const scale = image.scale[channel] ?? 1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) data[index++] = (((85 * channel + 2 * y + 3 * x) % 256) - mean) / scale;
  }
  return { data, dims: [1, 3, height, width] };
}
