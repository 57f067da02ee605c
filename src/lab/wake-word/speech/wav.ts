import { pcm16 } from '../sound/decode';

export interface WavSound {
  readonly rateHz: number;
  /** The first channel. */
  readonly samples: Int16Array;
}

/**
 * Reads what speech engines write: RIFF, 16-bit PCM. Written to a pipe, the header cannot know the length and lies (espeak-ng says
 * 2 GB): the data reach as far as the bytes do.
 * @returns null for anything else
 */
export function readWav(bytes: Buffer): WavSound | null {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE')
    return null;
  let format: { channels: number; rateHz: number } | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const body = bytes.subarray(at + 8, Math.min(bytes.length, at + 8 + size));
    if (id === 'fmt ' && body.length >= 16) {
      const [kind, bits] = [body.readUInt16LE(0), body.readUInt16LE(14)];
      if (kind !== 1 || bits !== 16) return null;
      format = { channels: body.readUInt16LE(2), rateHz: body.readUInt32LE(4) };
    }
    if (id === 'data') {
      if (format === null || format.channels < 1 || format.rateHz < 1) return null;
      const { channels, rateHz } = format;
      const all = pcm16(body);
      return { rateHz, samples: channels === 1 ? all : all.filter((_, i) => i % channels === 0) };
    }
    at += 8 + size + (size % 2);
  }
  return null;
}
