import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '../../../../src/random';
import { readTrainedOn } from '../../../../src/lab/wake-word/evaluation/trained-on';
import { readBundle } from '../../../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../../../src/inference/model';
import { readNetworks } from '../../../../src/lab/wake-word/training/import';
import { DEFAULT_PLAN } from '../../../../src/lab/wake-word/training/trainer';
import {
  type TrainedWord,
  trainWakeWord,
  type WakeWordTraining,
} from '../../../../src/lab/wake-word/training/wake-word';
import { openWakeWord } from '../../../../src/voice/wake-word/wake-word';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-train-'));
  const random = seededRandom(4);
  folder('positives', 24, (t) => tone(t, 0.4, 0.9, 500 + 1500 * t), random);
  folder('negatives', 30, (t) => tone(t, 0.3, 1.1, 1800 - 1200 * t), random);
  folder('background', 30, () => 0.2, random);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const tone = (t: number, from: number, to: number, hz: number): number =>
  t < from || t > to ? 0 : 0.3 * Math.sin(2 * Math.PI * hz * t) * Math.sin((Math.PI * (t - from)) / (to - from));

/** Recordings of 1.4 s, each with noise of its own. */
function folder(name: string, count: number, sound: (t: number) => number, random: { normal(): number }): void {
  mkdirSync(path.join(dir, name));
  for (let i = 0; i < count; i++) {
    const noisy = name === 'background' ? 0.2 : 0.001;
    const samples = Int16Array.from({ length: 22_400 }, (_, at) => {
      const value = (name === 'background' ? 0 : sound((at / 16_000) * (0.95 + 0.005 * i))) + noisy * random.normal();
      return Math.round(32_767 * Math.max(-1, Math.min(1, value)));
    });
    writeFileSync(path.join(dir, name, `${i}.wav`), wav(samples));
  }
}

function wav(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  [16, 0x0001_0001, 16_000, 32_000, 0x0010_0002].forEach((value, i) => header.writeUInt32LE(value, 16 + 4 * i));
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

const options = (): WakeWordTraining => ({
  word: 'zyzzyva',
  name: 'wake-zyzzyva',
  positives: [path.join(dir, 'positives')],
  negatives: [path.join(dir, 'negatives')],
  background: [path.join(dir, 'background')],
  impulses: [],
  engines: [],
  plan: {
    ...DEFAULT_PLAN,
    shape: { channels: 8, units: 8 },
    steps: 6,
    batch: 8,
    mining: 1,
    miningHours: 0.02,
    validationHours: 0.02,
    validationTrials: 6,
  },
  from: null,
  companion: null,
  resume: false,
  threads: 2,
  workDir: path.join(dir, 'work'),
  cacheDir: path.join(dir, 'cache'),
  modelsDir: path.join(dir, 'models'),
  command: 'usher train wake-word zyzzyva',
  onProgress: () => undefined,
  onRemark: () => undefined,
  onRound: () => undefined,
});

describe('training a word from folders of recordings', () => {
  jest.setTimeout(120_000);

  it('ends with a bundle that opens, its card saying what it is, and with plots', async () => {
    const progress = new Set<string>();
    const { bundle, state } = await trainWakeWord({
      ...options(),
      onProgress: (label) => progress.add(label.replace(/,.*/, '')),
    });
    expect(state.rounds.length).toBe(2);
    expect([...progress]).toEqual(
      expect.arrayContaining([
        'reading words',
        'mixing validation sound',
        'training',
        'mining',
        'measuring operating points',
      ]),
    );
    const word = await openWakeWord(bundle, CPU_ONE_THREAD);
    const { card } = word.bundle;
    await word.dispose();
    expect(card.licence.origin).toContain('usher train wake-word zyzzyva');
    expect(card.licence.trainingData).toMatch(/^\d+ recordings of the word by people/);
    expect(word.output.word).toBe('zyzzyva');
    expect(word.output.operatingPoints[0]?.misses.map(({ condition }) => condition)).toEqual([
      'clean',
      'snr-10db',
      'snr-5db',
    ]);
    for (const plot of ['loss.svg', 'det.svg'])
      expect(readFileSync(path.join(dir, 'work', plot), 'utf8')).toMatch(/^<svg[^]*<\/svg>\s*$/);
    expect((JSON.parse(readFileSync(path.join(dir, 'work', 'used.json'), 'utf8')) as string[]).length).toBeGreaterThan(
      50,
    );
  });

  it('goes on only with the data and the options that it began with', async () => {
    const other = trainWakeWord({ ...options(), resume: true, plan: { ...options().plan, seed: 2 } });
    await expect(other).rejects.toMatchObject({
      code: 'data-invalid',
      remedy: expect.stringContaining('same') as string,
    });
    const { bundle } = await trainWakeWord({ ...options(), resume: true });
    expect(bundle).toBe(path.join(dir, 'models', 'wake-zyzzyva'));
  });

  it('leads a bundle on to a newer one that says where it comes from', async () => {
    const workDir = path.join(dir, 'work-on');
    const from = await earlier();
    const { bundle } = await trainWakeWord({ ...options(), name: 'wake-on', workDir, from });
    const led = (await readBundle(bundle)).card;
    expect(led.version).toBe('2.4.0');
    expect(led.licence.trainingData).toContain('fine-tuned from wake-zyzzyva 2.3.4');
    const known = await readTrainedOn(bundle);
    expect(known?.('0123456789abcdef')).toBe(true);
  });

  it('ships the mean of two networks as one bundle, and leads the first of them on', async () => {
    const both = { ...options(), name: 'wake-both', workDir: path.join(dir, 'work-both') };
    const { bundle } = await trainWakeWord({ ...both, companion: await earlier() });
    const read = await readBundle(bundle);
    const { card } = read;
    expect(card.summary).toContain(' beside ');
    expect(card.version).toBe('2.4.0');
    expect(card.licence.trainingData).toContain('with wake-zyzzyva 2.3.4 as companion');
    const members = await readNetworks(read);
    expect(members.length).toBe(2);
    const word = await openWakeWord(bundle, CPU_ONE_THREAD);
    expect(word.output.companions?.networks.length).toBe(1);
    await word.dispose();
    const from = { ...(await earlier()), version: '2.10.0', members };
    const workDir = path.join(dir, 'work-both-on');
    const on = await trainWakeWord({ ...both, name: 'wake-on', workDir, from, companion: await earlier() });
    const led = await readBundle(on.bundle);
    expect(led.card.version).toBe('2.11.0');
    const [first, second] = await readNetworks(led);
    expect(second?.parameters['gru1.kernel']).toEqual(members[1]?.parameters['gru1.kernel']);
    expect(first.parameters['gru1.kernel']).not.toEqual(members[0].parameters['gru1.kernel']);
  });

  async function earlier(): Promise<TrainedWord> {
    const read = await readBundle(path.join(dir, 'models', 'wake-zyzzyva'));
    const { card } = read;
    return {
      word: 'zyzzyva',
      name: card.name,
      version: '2.3.4',
      members: await readNetworks(read),
      recordings: ['0123456789abcdef'],
    };
  }

  it('names a folder that is not there, and leaves no bundle', async () => {
    const missing = trainWakeWord({ ...options(), name: 'wake-none', positives: [path.join(dir, 'nowhere')] });
    await expect(missing).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining('nowhere') as string,
    });
    expect(() => readFileSync(path.join(dir, 'models', 'wake-none', 'card.json'))).toThrow('ENOENT');
  });
});
