import type { Tensor } from '../inference/model';
import type { CatalogEntry } from './catalog';
import { espdlToOnnx, readEspdl } from './espdl';
import { writeBundle } from './write';

/** What another CPU or an accelerator with shorter multiplication may differ by; outputs are of the order of 0.1 to 10. */
const TOLERANCE = 0.01;

/**
 * Turns the verified bytes of a catalog file into a bundle and returns its folder.
 * @throws UsherError model-invalid or file-unreadable; then nothing is installed.
 */
export async function installEntry(modelsDir: string, entry: CatalogEntry, file: Uint8Array): Promise<string> {
  return writeBundle(modelsDir, {
    card: entry.card,
    modelBytes: toOnnx(entry, file),
    goldenInput: goldenInput(entry),
    tolerance: TOLERANCE,
  });
}

function toOnnx(entry: CatalogEntry, file: Uint8Array): Uint8Array {
  if (entry.importer === 'onnx') return file;
  const [height, width] = entry.goldenSize;
  const { output } = entry.card;
  const dimensions = output.decoding === 'embedding' ? output.dimensions : 'values';
  return espdlToOnnx(readEspdl(file), entry.name, { input: [1, 3, height, width], output: [1, dimensions] }).encode();
}

/** A picture of diagonal bands, prepared as the card says: reproducible, and rich enough to move every output. */
export function goldenInput({ card, goldenSize: [height, width] }: CatalogEntry): Tensor<Float32Array> {
  const data = new Float32Array(3 * height * width);
  let index = 0;
  for (let channel = 0; channel < 3; channel++) {
    const mean = card.input.mean[channel] ?? 0;
    const scale = card.input.scale[channel] ?? 1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) data[index++] = (((85 * channel + 2 * y + 3 * x) % 256) - mean) / scale;
  }
  return { data, dims: [1, 3, height, width] };
}
