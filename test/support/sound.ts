import { SOUND_RATE_HZ } from '../../src/voice/sources/sound';

/** Pieces of a recording for tests; all between −1 and 1, 16 kHz mono. */
export const silence = (seconds: number): Float32Array => new Float32Array(Math.round(seconds * SOUND_RATE_HZ));

/** White noise that is the same every time (xorshift32). */
export function noise(seconds: number, amplitude: number, seed = 1): Float32Array {
  let x = seed | 0 || 1;
  return silence(seconds).map(() => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x / 2 ** 31) * amplitude;
  });
}

export function tone(seconds: number, hz: number, amplitude: number): Float32Array {
  return silence(seconds).map((_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / SOUND_RATE_HZ));
}

export const joined = (...parts: readonly Float32Array[]): Float32Array => {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** `over` added to `base` from a time on. */
export function mixed(base: Float32Array, over: Float32Array, atSeconds: number): Float32Array {
  const out = base.slice();
  const at = Math.round(atSeconds * SOUND_RATE_HZ);
  over.forEach((value, i) => (out[at + i] = (out[at + i] ?? 0) + value));
  return out;
}

export function shorts(samples: Float32Array): Buffer {
  const out = Buffer.alloc(samples.length * 2);
  samples.forEach((value, i) =>
    out.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))), 2 * i),
  );
  return out;
}

export interface WavHeader {
  readonly format?: 1 | 3;
  readonly channels?: number;
  readonly rate?: number;
  readonly bits?: number;
  /** What the header claims; the data's own size by default. */
  readonly dataBytes?: number;
}

/** A WAV file around raw data; the header says what it is told to say, true or not. */
export function wav(data: Buffer, header: WavHeader = {}): Buffer {
  const { format = 1, channels = 1, rate = SOUND_RATE_HZ, bits = 16, dataBytes = data.length } = header;
  const block = (channels * bits) / 8;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE((36 + dataBytes) >>> 0, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(format, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE((rate * block) >>> 0, 28);
  head.writeUInt16LE(block, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36);
  head.writeUInt32LE(dataBytes >>> 0, 40);
  return Buffer.concat([head, data]);
}
