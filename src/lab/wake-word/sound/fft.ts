const { cos, PI, sin } = Math;

/**
 * Fourier transform of real signals of one fixed size (a power of two), by a complex transform of half the size (Press et al.,
 * Numerical Recipes, 12.3). Spectra are packed: [Re 0, Re N/2, Re 1, Im 1, Re 2, Im 2, …]. In place, without allocation.
 */
export class RealFft {
  private readonly half: number;
  private readonly reversed: Uint32Array;
  private readonly cosines: Float64Array;
  private readonly sines: Float64Array;
  private readonly realCosines: Float64Array;
  private readonly realSines: Float64Array;

  constructor(readonly size: number) {
    const half = size / 2;
    this.half = half;
    const bits = Math.log2(half);
    this.reversed = new Uint32Array(half);
    for (let i = 0; i < half; i++)
      this.reversed[i] = ((this.reversed[i >> 1] as number) >> 1) | ((i & 1) << (bits - 1));
    this.cosines = Float64Array.from({ length: half / 2 }, (_, i) => cos((2 * PI * i) / half));
    this.sines = Float64Array.from({ length: half / 2 }, (_, i) => -sin((2 * PI * i) / half));
    this.realCosines = Float64Array.from({ length: half / 2 + 1 }, (_, i) => cos((PI * i) / half));
    this.realSines = Float64Array.from({ length: half / 2 + 1 }, (_, i) => -sin((PI * i) / half));
  }

  /** Signal of `size` samples → packed spectrum, in place. */
  forward(data: Float32Array): void {
    this.complex(data);
    const { half, realCosines, realSines } = this;
    const first = data[0] as number;
    const second = data[1] as number;
    data[0] = first + second;
    data[1] = first - second;
    for (let k = 1; k <= half / 2; k++) {
      const i = 2 * k;
      const j = 2 * (half - k);
      const ar = data[i] as number;
      const ai = data[i + 1] as number;
      const br = data[j] as number;
      const bi = data[j + 1] as number;
      const evenR = 0.5 * (ar + br);
      const evenI = 0.5 * (ai - bi);
      const oddR = 0.5 * (ai + bi);
      const oddI = 0.5 * (br - ar);
      const wr = realCosines[k] as number;
      const wi = realSines[k] as number;
      const tr = wr * oddR - wi * oddI;
      const ti = wr * oddI + wi * oddR;
      data[i] = evenR + tr;
      data[i + 1] = evenI + ti;
      data[j] = evenR - tr;
      data[j + 1] = ti - evenI;
    }
  }

  /** Packed spectrum → signal, in place and scaled, so that it undoes `forward`. */
  inverse(data: Float32Array): void {
    const { half, realCosines, realSines } = this;
    const first = data[0] as number;
    const second = data[1] as number;
    data[0] = 0.5 * (first + second);
    // Conjugated on the way in and out: the inverse of a transform by the transform itself.
    data[1] = -0.5 * (first - second);
    for (let k = 1; k <= half / 2; k++) {
      const i = 2 * k;
      const j = 2 * (half - k);
      const ar = data[i] as number;
      const ai = data[i + 1] as number;
      const br = data[j] as number;
      const bi = data[j + 1] as number;
      const evenR = 0.5 * (ar + br);
      const evenI = 0.5 * (ai - bi);
      const tr = 0.5 * (ar - br);
      const ti = 0.5 * (ai + bi);
      const wr = realCosines[k] as number;
      const wi = -(realSines[k] as number);
      const oddR = wr * tr - wi * ti;
      const oddI = wr * ti + wi * tr;
      data[i] = evenR - oddI;
      data[i + 1] = -(evenI + oddR);
      data[j] = evenR + oddI;
      data[j + 1] = -(oddR - evenI);
    }
    this.complex(data);
    const scale = 1 / half;
    for (let i = 0; i < 2 * half; i += 2) {
      data[i] = (data[i] as number) * scale;
      data[i + 1] = -(data[i + 1] as number) * scale;
    }
  }

  /** Radix 2, decimation in time; pairs of (re, im). */
  private complex(data: Float32Array): void {
    const { half, reversed, cosines, sines } = this;
    for (let i = 0; i < half; i++) {
      const j = reversed[i] as number;
      if (j <= i) continue;
      const re = data[2 * i] as number;
      const im = data[2 * i + 1] as number;
      data[2 * i] = data[2 * j] as number;
      data[2 * i + 1] = data[2 * j + 1] as number;
      data[2 * j] = re;
      data[2 * j + 1] = im;
    }
    for (let span = 1; span < half; span *= 2) {
      const stride = half / (2 * span);
      for (let start = 0; start < half; start += 2 * span)
        for (let k = 0; k < span; k++) {
          const wr = cosines[k * stride] as number;
          const wi = sines[k * stride] as number;
          const i = 2 * (start + k);
          const j = i + 2 * span;
          const xr = data[j] as number;
          const xi = data[j + 1] as number;
          const tr = xr * wr - xi * wi;
          const ti = xr * wi + xi * wr;
          const ur = data[i] as number;
          const ui = data[i + 1] as number;
          data[i] = ur + tr;
          data[i + 1] = ui + ti;
          data[j] = ur - tr;
          data[j + 1] = ui - ti;
        }
    }
  }
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
