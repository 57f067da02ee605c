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

  /** Two stages of radix 2 in one pass over the arrays: half the loads and stores, and three multiplications of complex numbers for four. */
  private transform(): void {
    const { half, re, im, cos, sin, size } = this;
    let span = 1;
    if (Math.log2(half) % 2 === 1) {
      this.pairs();
      span = 2;
    }
    for (; span < half; span *= 4) {
      const stride = size / (4 * span);
      for (let k = 0; k < span; k++) {
        const c1 = cos[2 * k * stride] as number;
        const s1 = -(sin[2 * k * stride] as number);
        const c2 = cos[k * stride] as number;
        const s2 = -(sin[k * stride] as number);
        for (let a = k; a < half; a += 4 * span) {
          const b = a + span;
          const c = b + span;
          const d = c + span;
          const bx = (re[b] as number) * c1 - (im[b] as number) * s1;
          const by = (re[b] as number) * s1 + (im[b] as number) * c1;
          const dx = (re[d] as number) * c1 - (im[d] as number) * s1;
          const dy = (re[d] as number) * s1 + (im[d] as number) * c1;
          const x0 = (re[a] as number) + bx;
          const y0 = (im[a] as number) + by;
          const x1 = (re[a] as number) - bx;
          const y1 = (im[a] as number) - by;
          const x2 = (re[c] as number) + dx;
          const y2 = (im[c] as number) + dy;
          const x3 = (re[c] as number) - dx;
          const y3 = (im[c] as number) - dy;
          const even = x2 * c2 - y2 * s2;
          const evenIm = x2 * s2 + y2 * c2;
          // A quarter turn further: times −i.
          const odd = x3 * s2 + y3 * c2;
          const oddIm = y3 * s2 - x3 * c2;
          re[a] = x0 + even;
          im[a] = y0 + evenIm;
          re[b] = x1 + odd;
          im[b] = y1 + oddIm;
          re[c] = x0 - even;
          im[c] = y0 - evenIm;
          re[d] = x1 - odd;
          im[d] = y1 - oddIm;
        }
      }
    }
  }

  /** The first stage alone, where their number is odd. */
  private pairs(): void {
    const { half, re, im } = this;
    for (let a = 0; a < half; a += 2) {
      const x = re[a + 1] as number;
      const y = im[a + 1] as number;
      re[a + 1] = (re[a] as number) - x;
      im[a + 1] = (im[a] as number) - y;
      re[a] = (re[a] as number) + x;
      im[a] = (im[a] as number) + y;
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
