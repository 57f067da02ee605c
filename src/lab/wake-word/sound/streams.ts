import { streamSeed } from '../../../random';
import { buildBank, clipCount, secondsOf, type SoundBank } from './bank';
import { generate, type GeneratedKind } from './generate';
import type { Materials, NamedBank } from './materials';
import { ClipMixer } from './mixer';
import { RATE_HZ } from './rate';
import { seededRandom } from '../../../random';

/** Sound without the trigger word, to listen to from beginning to end. */
export interface SoundStream {
  /** Of the corpus. */
  readonly name: string;
  readonly seconds: number;
  /** Nothing but what sounds like the word or is half of it: to learn from and to tell of, but no hour of life is like it. */
  readonly adversarial?: boolean;
  /** The same pieces at every call. */
  chunks(): Iterable<Float32Array>;
}

const CHUNK_SECONDS = 10;
const EMPTY = buildBank([]);

/** A bank as it was recorded, clip after clip, half a second of near silence between them. */
export function plainStream(name: string, bank: SoundBank): SoundStream {
  const gap = RATE_HZ / 2;
  return {
    name,
    seconds: secondsOf(bank, RATE_HZ) + (clipCount(bank) * gap) / RATE_HZ,
    *chunks() {
      const random = seededRandom(1);
      for (let i = 0; i < clipCount(bank); i++) {
        const start = bank.offsets[i] as number;
        const stop = bank.offsets[i + 1] as number;
        const chunk = new Float32Array(stop - start + gap);
        for (let at = start; at < stop; at++) chunk[at - start] = (bank.samples[at] as number) / 32_768;
        for (let at = stop - start; at < chunk.length; at++) chunk[at] = 1e-4 * random.normal();
        yield chunk;
      }
    },
  };
}

/** Hours from minutes: every clip mixes the materials again with other rooms, speeds, gains and backgrounds. */
export function mixedStream(name: string, materials: Materials, seconds: number, seed: number): SoundStream {
  const pieces = Math.ceil(seconds / CHUNK_SECONDS);
  return {
    name,
    seconds: pieces * CHUNK_SECONDS,
    *chunks() {
      const mixer = new ClipMixer(materials, { seconds: CHUNK_SECONDS });
      for (let i = 0; i < pieces; i++) yield mixer.composeNegative(streamSeed(seed, i)).samples;
    },
  };
}

/** A generated background alone, at levels from soft to loud. */
export function generatedStream(kind: GeneratedKind, seconds: number, seed: number): SoundStream {
  const pieces = Math.ceil(seconds / CHUNK_SECONDS);
  return {
    name: kind,
    seconds: pieces * CHUNK_SECONDS,
    *chunks() {
      for (let i = 0; i < pieces; i++) {
        const random = seededRandom(streamSeed(seed, i));
        const chunk = new Float32Array(CHUNK_SECONDS * RATE_HZ);
        generate(kind, chunk, random);
        let peak = 1e-6;
        for (const sample of chunk) peak = Math.max(peak, Math.abs(sample));
        const scale = 10 ** (random.between(-40, 0) / 20) / peak;
        for (let at = 0; at < chunk.length; at++) chunk[at] = (chunk[at] as number) * scale;
        yield chunk;
      }
    },
  };
}

/** Hours of each kind of sound that is not the word, named by corpus: to mine in, and (of another part) to count false accepts on. */
export function negativeStreams(materials: Materials, hours: number, seed: number): SoundStream[] {
  const only = (part: Partial<Materials>): Materials => ({
    ...materials,
    real: EMPTY,
    synthetic: EMPTY,
    near: EMPTY,
    sentences: EMPTY,
    speech: [],
    ...part,
  });
  const sources: { name: string; materials: Materials; weight: number; adversarial?: boolean }[] = [
    ...materials.speech.map((corpus) => ({
      name: corpus.name,
      materials: only({ speech: [corpus] }),
      weight: Math.sqrt(secondsOf(corpus.bank, RATE_HZ)),
    })),
    { name: 'sounds-like', materials: only({ near: materials.near }), weight: 15, adversarial: true },
    { name: 'sentences', materials: only({ sentences: materials.sentences }), weight: 40 },
    {
      // What is cut in half must be at hand, though no whole word is spoken.
      name: 'half-words',
      materials: only({ real: materials.real, synthetic: materials.synthetic, near: materials.near }),
      weight: 8,
      adversarial: true,
    },
  ].filter(({ materials: m }) => hasSpeech(m));
  const total = sources.reduce((sum, { weight }) => sum + weight, 0);
  const spoken = sources.map(({ name, materials: own, weight, adversarial = false }, i) => ({
    ...mixedStream(name, own, (hours * 0.85 * 3600 * weight) / total, streamSeed(seed, i)),
    adversarial,
  }));
  const share = (hours * 0.15 * 3600) / 4;
  const kinds: readonly GeneratedKind[] = ['music', 'gym', 'coloured', 'white'];
  const generated = kinds.map((kind, i) => generatedStream(kind, share, streamSeed(seed, 100 + i)));
  return [...spoken, ...generated];
}

const hasSpeech = (materials: Materials): boolean =>
  [materials.near, materials.sentences, materials.real, materials.synthetic].some((bank) => clipCount(bank) > 0) ||
  materials.speech.some(({ bank }: NamedBank) => clipCount(bank) > 0);
