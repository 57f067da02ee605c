/**
 * Power spectrum of real input whose length is a power of two, in arrays made once. The real sequence is packed into a complex one of
 * half its length (even samples real, odd ones imaginary), transformed by radix 2 and taken apart again (Press et al., Numerical
 * Recipes, §12.3).
 */
export class RealFft {
  /** To be filled by the caller; overwritten by nothing, so what is never written stays zero. */
  readonly input: Float64Array;
  /** |X|² of bins 0 to size / 2. */
  readonly power: Float64Array;
  private readonly half: number;
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  private readonly reversed: Uint16Array;
  /** cos and sin of 2πk/size. */
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  constructor(private readonly size: number) {
    this.half = size / 2;
    this.input = new Float64Array(size);
    this.power = new Float64Array(this.half + 1);
    this.re = new Float64Array(this.half);
    this.im = new Float64Array(this.half);
    this.cos = Float64Array.from({ length: this.half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: this.half }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    const bits = Math.log2(this.half);
    this.reversed = Uint16Array.from({ length: this.half }, (_, i) => reverseBits(i, bits));
  }

  /** Transforms `input` and writes `power`. */
  powers(): void {
    const { half, input, re, im, reversed } = this;
    for (let i = 0; i < half; i++) {
      const from = 2 * (reversed[i] as number);
      re[i] = input[from] as number;
      im[i] = input[from + 1] as number;
    }
    this.transform();
    this.unpack();
  }

  private transform(): void {
    const { half, re, im, cos, sin, size } = this;
    for (let span = 1; span < half; span *= 2) {
      const stride = size / (2 * span);
      for (let k = 0; k < span; k++) {
        const c = cos[k * stride] as number;
        const s = -(sin[k * stride] as number);
        for (let a = k; a < half; a += 2 * span) {
          const b = a + span;
          const x = re[b] as number;
          const y = im[b] as number;
          const tx = x * c - y * s;
          const ty = x * s + y * c;
          re[b] = (re[a] as number) - tx;
          im[b] = (im[a] as number) - ty;
          re[a] = (re[a] as number) + tx;
          im[a] = (im[a] as number) + ty;
        }
      }
    }
  }

  private unpack(): void {
    const { half, re, im, cos, sin, power } = this;
    const x0 = re[0] as number;
    const y0 = im[0] as number;
    power[0] = (x0 + y0) * (x0 + y0);
    power[half] = (x0 - y0) * (x0 - y0);
    for (let k = 1; k < half; k++) {
      const j = half - k;
      const evenRe = 0.5 * ((re[k] as number) + (re[j] as number));
      const evenIm = 0.5 * ((im[k] as number) - (im[j] as number));
      const oddRe = 0.5 * ((im[k] as number) + (im[j] as number));
      const oddIm = -0.5 * ((re[k] as number) - (re[j] as number));
      const c = cos[k] as number;
      const s = -(sin[k] as number);
      const real = evenRe + c * oddRe - s * oddIm;
      const imaginary = evenIm + c * oddIm + s * oddRe;
      power[k] = real * real + imaginary * imaginary;
    }
  }
}

function reverseBits(value: number, bits: number): number {
  let out = 0;
  for (let bit = 0; bit < bits; bit++) out |= ((value >> bit) & 1) << (bits - 1 - bit);
  return out;
}
