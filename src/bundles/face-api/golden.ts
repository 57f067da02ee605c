import type { ImageInput } from '../../inference/card';
import type { Tensor } from '../../inference/model';

/**
 * A golden input: waves of several lengths in each channel, 0..255, normalised as the card says. It needs no picture of a
 * person, and the bundle keeps the very numbers.
 */
export function goldenInput(image: ImageInput, width: number, height: number): Tensor<Float32Array> {
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let k = 0; k < 3; k++) {
    const mean = image.mean[k] as number;
    const scale = image.scale[k] as number;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const wave = Math.sin(x * 0.11 + k) * Math.cos(y * 0.07 - k) + 0.5 * Math.sin((x + 2 * y) * 0.37 + 2 * k);
        data[k * plane + y * width + x] = (127.5 + 80 * wave - mean) / scale;
      }
  }
  return { data, dims: [1, 3, height, width] };
}
