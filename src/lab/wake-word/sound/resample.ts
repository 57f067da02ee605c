const { abs, ceil, cos, floor, max, min, PI, round, sin } = Math;

/** Zero crossings of the sinc on either side: −80 dB of aliasing with the window below, at 32 multiplications a sample. */
const HALF_TAPS = 16;
/** Positions of the kernel between two samples; nearest is taken (noise below −70 dB). */
const PHASES = 512;
/** Of the narrower Nyquist band: leaves the window room to fall off. */
const BAND = 0.92;

const kernels = new Map<number, Float32Array>();

/** The kernel for a cut-off (as a share of the input's Nyquist frequency), `PHASES + 1` rows of `taps`. */
function kernelFor(cutOff: number, half: number): Float32Array {
  // Kept for a few hundred rates at most: callers choose speeds in steps.
  const key = round(cutOff * 256);
  const known = kernels.get(key);
  if (known !== undefined) return known;
  const fc = key / 256;
  const taps = 2 * half;
  const kernel = new Float32Array((PHASES + 1) * taps);
  for (let phase = 0; phase <= PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const x = tap - half + 1 - phase / PHASES;
      const window = abs(x) >= half ? 0 : 0.42 + 0.5 * cos((PI * x) / half) + 0.08 * cos((2 * PI * x) / half);
      const sinc = x === 0 ? fc : sin(PI * fc * x) / (PI * x);
      kernel[phase * taps + tap] = sinc * window;
      sum += sinc * window;
    }
    for (let tap = 0; tap < taps; tap++) kernel[phase * taps + tap] = (kernel[phase * taps + tap] as number) / sum;
  }
  kernels.set(key, kernel);
  return kernel;
}

/**
 * Resamples by windowed sinc (Blackman). `step` is the input's samples per output sample: 44,100 → 16,000 Hz is 2.756; a
 * recording played 1.1 times as fast (and as high) is 1.1.
 * @returns `floor(input.length / step)` samples
 */
export function resample(input: ArrayLike<number>, step: number): Float32Array {
  const output = new Float32Array(floor(input.length / step));
  resampleInto(input, 0, input.length, step, output, 1);
  return output;
}

/** As `resample`, of `input[start, stop)`, scaled, into `output` from its beginning as far as either reaches. @returns samples written */
export function resampleInto(
  input: ArrayLike<number>,
  start: number,
  stop: number,
  step: number,
  output: Float32Array,
  scale: number,
): number {
  const length = min(output.length, floor((stop - start) / step));
  const cutOff = step > 1 ? BAND / step : BAND;
  const half = ceil(HALF_TAPS * max(1, step));
  const taps = 2 * half;
  const kernel = kernelFor(cutOff, half);
  for (let i = 0; i < length; i++) {
    const position = start + i * step;
    const whole = floor(position);
    const row = round((position - whole) * PHASES) * taps;
    const first = whole - half + 1;
    const from = max(0, start - first);
    const to = min(taps, stop - first);
    let sum = 0;
    for (let tap = from; tap < to; tap++) sum += (input[first + tap] as number) * (kernel[row + tap] as number);
    output[i] = sum * scale;
  }
  return length;
}
