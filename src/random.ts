/** Taken out once: in a sandboxed realm, such as a test's, each look at a global costs more than the function does. */
const { cos, floor, imul, log, PI, sin, sqrt } = Math;

/** Seeded randomness: an evaluation that cannot be repeated bit by bit cannot be compared with the next one. */
export interface Random {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** Standard normal. */
  normal(): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough for resampling and for noise. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  let spare: number | null = null;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = imul(t ^ (t >>> 15), t | 1);
    t ^= t + imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    below: (n) => floor(next() * n),
    normal: () => {
      // Box–Muller, both halves used.
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      const radius = sqrt(-2 * log(1 - next()));
      const angle = 2 * PI * next();
      spare = radius * sin(angle);
      return radius * cos(angle);
    },
  };
}

/** A seed for each (seed, stream) pair, so that streams do not overlap when one of them draws more. */
export function streamSeed(seed: number, ...stream: readonly number[]): number {
  let hash = seed >>> 0;
  for (const part of stream) {
    hash = imul(hash ^ (part >>> 0), 0x9e3779b1);
    hash = (hash ^ (hash >>> 15)) >>> 0;
  }
  return hash;
}
