/**
 * Fourier transform of real input whose length is a power of two, in arrays made once. The real sequence is packed into a complex one
 * of half its length (even samples real, odd ones imaginary), transformed by radix 2 and taken apart again (Press et al., Numerical
 * Recipes, §12.3). A packed spectrum is [Re 0, Re N/2, Re 1, Im 1, Re 2, Im 2, …].
 */
export class RealFft {
  /** To be filled by the caller; overwritten by nothing, so what is never written stays zero. */
  readonly input: Float64Array;
  /** |X|² of bins 0 to size / 2. */
  readonly power: Float64Array;
  private readonly half: number;
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  /** Packed. */
  private readonly spectrum: Float64Array;
  private readonly reversed: Uint32Array;
  /** cos and sin of 2πk/size. */
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  constructor(readonly size: number) {
    this.half = size / 2;
    this.input = new Float64Array(size);
    this.power = new Float64Array(this.half + 1);
    this.spectrum = new Float64Array(size);
    this.re = new Float64Array(this.half);
    this.im = new Float64Array(this.half);
    this.cos = Float64Array.from({ length: this.half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: this.half }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    const bits = Math.log2(this.half);
    this.reversed = Uint32Array.from({ length: this.half }, (_, i) => reverseBits(i, bits));
  }

  /** Transforms `input` and writes `power`. */
  powers(): void {
    this.spectrumOf(this.input);
    const { half, power, spectrum } = this;
    const first = spectrum[0] as number;
    const last = spectrum[1] as number;
    power[0] = first * first;
    power[half] = last * last;
    for (let k = 1; k < half; k++) {
      const real = spectrum[2 * k] as number;
      const imaginary = spectrum[2 * k + 1] as number;
      power[k] = real * real + imaginary * imaginary;
    }
  }

  /** Signal of `size` samples → packed spectrum, in place. */
  forward(data: Float32Array): void {
    this.spectrumOf(data);
    data.set(this.spectrum);
  }

  /** Packed spectrum → signal, in place and scaled, so that it undoes `forward`. */
  inverse(data: Float32Array): void {
    this.loadSpectrum(data);
    this.transform();
    const { half, re, im } = this;
    for (let i = 0; i < half; i++) {
      data[2 * i] = (re[i] as number) / half;
      data[2 * i + 1] = -(im[i] as number) / half;
    }
  }

  private spectrumOf(data: Float32Array | Float64Array): void {
    const { half, re, im, reversed } = this;
    for (let i = 0; i < half; i++) {
      const from = 2 * (reversed[i] as number);
      re[i] = data[from] as number;
      im[i] = data[from + 1] as number;
    }
    this.transform();
    this.unpack();
  }

  /** The complex sequence whose transform is that spectrum, conjugated: the inverse of a transform by the transform itself. */
  private loadSpectrum(data: Float32Array): void {
    const { half, re, im, cos, sin, reversed } = this;
    const first = data[0] as number;
    const last = data[1] as number;
    re[0] = 0.5 * (first + last);
    im[0] = -0.5 * (first - last);
    for (let k = 1; k <= half / 2; k++) {
      const j = half - k;
      const ar = data[2 * k] as number;
      const ai = data[2 * k + 1] as number;
      const br = data[2 * j] as number;
      const bi = data[2 * j + 1] as number;
      const tr = 0.5 * (ar - br);
      const ti = 0.5 * (ai + bi);
      const c = cos[k] as number;
      const s = sin[k] as number;
      const oddRe = c * tr - s * ti;
      const oddIm = c * ti + s * tr;
      const to = reversed[k] as number;
      const mirrored = reversed[j] as number;
      re[to] = 0.5 * (ar + br) - oddIm;
      im[to] = -(0.5 * (ai - bi) + oddRe);
      re[mirrored] = 0.5 * (ar + br) + oddIm;
      im[mirrored] = -(oddRe - 0.5 * (ai - bi));
    }
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
    const { half, re, im, cos, sin, spectrum } = this;
    const x0 = re[0] as number;
    const y0 = im[0] as number;
    spectrum[0] = x0 + y0;
    spectrum[1] = x0 - y0;
    for (let k = 1, j = half - 1; k <= j; k++, j--) {
      const evenRe = 0.5 * ((re[k] as number) + (re[j] as number));
      const evenIm = 0.5 * ((im[k] as number) - (im[j] as number));
      const oddRe = 0.5 * ((im[k] as number) + (im[j] as number));
      const oddIm = -0.5 * ((re[k] as number) - (re[j] as number));
      const ck = cos[k] as number;
      const sk = -(sin[k] as number);
      const cj = cos[j] as number;
      const sj = -(sin[j] as number);
      spectrum[2 * k] = evenRe + ck * oddRe - sk * oddIm;
      spectrum[2 * k + 1] = evenIm + ck * oddIm + sk * oddRe;
      spectrum[2 * j] = evenRe + cj * oddRe + sj * oddIm;
      spectrum[2 * j + 1] = -evenIm - cj * oddIm + sj * oddRe;
    }
  }
}

function reverseBits(value: number, bits: number): number {
  let out = 0;
  for (let bit = 0; bit < bits; bit++) out |= ((value >> bit) & 1) << (bits - 1 - bit);
  return out;
}

/** Multiplies packed spectra, into `a`: a circular convolution of the signals. */
export function multiplySpectra(a: Float32Array, b: Float32Array): void {
  a[0] = (a[0] as number) * (b[0] as number);
  a[1] = (a[1] as number) * (b[1] as number);
  for (let i = 2; i < a.length; i += 2) {
    const ar = a[i] as number;
    const ai = a[i + 1] as number;
    const br = b[i] as number;
    const bi = b[i + 1] as number;
    a[i] = ar * br - ai * bi;
    a[i + 1] = ar * bi + ai * br;
  }
}
