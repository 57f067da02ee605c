import { MessageChannel } from 'node:worker_threads';
import { once } from 'node:events';
import { ClipMixer } from '../../../../src/lab/wake-word/sound/mixer';
import { fillBackground, type BackgroundKind } from '../../../../src/lab/wake-word/sound/background';
import { rms } from '../../../../src/lab/wake-word/sound/levels';
import { RATE_HZ } from '../../../../src/lab/wake-word/sound/rate';
import { negativeStreams } from '../../../../src/lab/wake-word/sound/streams';
import { seededRandom } from '../../../../src/random';
import { toneMaterials } from './sounds';
import type { Materials } from '../../../../src/lab/wake-word/sound/materials';

const materials = toneMaterials();
const bytes = (samples: Float32Array): Buffer => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);

describe('mixed clips', () => {
  it('are the same by their seed, in any order and in any mixer', () => {
    const first = new ClipMixer(materials);
    const second = new ClipMixer(materials);
    const seeds = [3, 1, 2];
    const a = new Map(seeds.map((seed) => [seed, first.compose(seed)]));
    for (const seed of [...seeds].sort()) {
      second.composeNegative(seed + 100);
      const again = second.compose(seed);
      expect(bytes(again.samples).equals(bytes(a.get(seed)!.samples))).toBe(true);
      expect(again.ends).toEqual(a.get(seed)!.ends);
    }
    expect(bytes(a.get(1)!.samples).equals(bytes(a.get(2)!.samples))).toBe(false);
  });

  it('are 16-bit sound of the length asked for, with ends inside and in order', () => {
    const mixer = new ClipMixer(materials, { seconds: 10 });
    const counts = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      const { samples, ends } = mixer.compose(seed);
      expect(samples).toHaveLength(10 * RATE_HZ);
      expect(samples.every((x) => Math.abs(x) <= 1 && Number.isInteger(x * 32_768))).toBe(true);
      ends.forEach((end, i) => {
        expect(end).toBeGreaterThan(ends[i - 1] ?? 0);
        expect(end).toBeLessThanOrEqual(samples.length - 0.25 * RATE_HZ);
      });
      counts.add(ends.length);
    }
    expect(Math.max(...counts)).toBeGreaterThan(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });

  it('have the word where they say it ends: the tone is there before it and gone after it', () => {
    const clean = {
      wordShare: 1,
      snrDb: [
        [60, 60],
        [60, 60],
        [60, 60],
      ],
    } as const;
    const alone: Materials = {
      ...materials,
      near: materials.impulses,
      sentences: materials.impulses,
      speech: [],
      noise: [],
    };
    const mixer = new ClipMixer(alone, clean);
    let checked = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { samples, ends } = mixer.compose(seed);
      const end = ends[0] ?? 0;
      expect(ends).toHaveLength(1);
      const before = rms(samples, end - 1600, end);
      const after = rms(samples, end + 3200, end + 4000);
      if (before > 4 * after) checked++;
    }
    // The rest is reverberation, or half a word that followed.
    expect(checked).toBeGreaterThan(9);
  });

  it('have no word where none is asked for', () => {
    const mixer = new ClipMixer(materials, { wordShare: 0 });
    for (let seed = 0; seed < 10; seed++) expect(mixer.compose(seed).ends).toEqual([]);
    expect(mixer.composeNegative(1).ends).toEqual([]);
    expect(mixer.composeAround(new Float32Array(8000).fill(0.1), 1).ends).toEqual([]);
  });

  it('come without recordings of people, without synthetic ones, without backgrounds', () => {
    const none = materials.impulses;
    const variants: Partial<Materials>[] = [
      { real: none },
      { synthetic: none },
      { noise: [] },
      { speech: [], sentences: none, near: none },
    ];
    for (const variant of variants) {
      const mixer = new ClipMixer({ ...materials, ...variant }, { wordShare: 1 });
      for (let seed = 0; seed < 4; seed++) expect(mixer.compose(seed).ends).toHaveLength(1);
    }
  });

  it('can be made in another thread: the materials survive being sent, without a copy of the sound', async () => {
    const { port1, port2 } = new MessageChannel();
    const received = once(port2, 'message');
    port1.postMessage(materials);
    const [sent] = (await received) as [Materials];
    port1.close();
    const a = new ClipMixer(materials).compose(5);
    const b = new ClipMixer(sent).compose(5);
    expect(bytes(a.samples).equals(bytes(b.samples))).toBe(true);
  });
});

describe('backgrounds', () => {
  it.each(['quiet', 'recorded', 'generated', 'babble', 'talker'] satisfies BackgroundKind[])(
    '%s: at a level of 1',
    (kind) => {
      const out = new Float32Array(2 * RATE_HZ);
      for (let seed = 0; seed < 6; seed++) {
        fillBackground(kind, materials, out, new Float32Array(out.length), seededRandom(seed));
        expect(rms(out)).toBeCloseTo(1, 3);
      }
    },
  );
});

describe('hours without the word', () => {
  it('are named by corpus, as long as they say, and the same at every call', () => {
    const streams = negativeStreams(materials, 0.1, 1);
    expect(streams.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['talk', 'sounds-like', 'sentences', 'half-words', 'music', 'gym', 'white']),
    );
    const stream = streams[0]!;
    const chunks = [...stream.chunks()];
    expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBe(stream.seconds * RATE_HZ);
    const [again] = stream.chunks();
    expect(bytes(again!).equals(bytes(chunks[0]!))).toBe(true);
    for (const other of streams.slice(-4)) {
      const [chunk] = other.chunks();
      expect(rms(chunk!)).toBeGreaterThan(0);
      expect(chunk!.every((x) => Math.abs(x) <= 1)).toBe(true);
    }
  });
});
