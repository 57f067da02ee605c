import fc from 'fast-check';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addCapture, deleteCaptures, listCaptures } from '../../../src/voice/capture/capture-folder';
import { NO_RUN, stepNearMiss } from '../../../src/voice/capture/near-miss';
import { SoundCaptures } from '../../../src/voice/capture/sound-captures';

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'usher-captures-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Near misses of a run of means; `!` marks the step that activated. */
function told(means: readonly (number | '!')[]): number[] {
  let state = NO_RUN;
  return means.flatMap((mean) => {
    const step = stepNearMiss(0.4, state, mean === '!' ? 0.9 : mean, mean === '!');
    state = step.state;
    return step.missed === null ? [] : [step.missed];
  });
}

describe('a near miss', () => {
  it.each([
    [[0, 0.1, 0.39, 0], []],
    [[0, 0.5, 0.6, 0.45, 0.1, 0], [0.6]],
    [
      [0.5, 0, 0.45, 0],
      [0.5, 0.45],
    ],
    [[0.5, 0.7, '!', 0.8, 0.5, 0.1, 0], []],
    [['!', 0.1, 0.5, 0.1], [0.5]],
    [[0.5, 0.6], []],
  ] as const)('%j gives %j', (means, expected) => {
    expect(told(means)).toEqual(expected);
  });

  it('is told once for each run, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (means) => {
        const runs = means.filter((mean, i) => mean >= 0.4 && !((means[i + 1] ?? 1) >= 0.4)).length;
        expect(told(means)).toHaveLength(runs);
      }),
    );
  });
});

describe('the folder of captures', () => {
  const limits = { maxFiles: 3, maxBytes: 1000 };

  it('never holds more files or bytes than it may; the oldest go first', async () => {
    for (let i = 0; i < 6; i++) await addCapture(dir, `a${i}.wav`, Buffer.alloc(100), limits);
    expect((await listCaptures(dir)).map(({ name }) => name)).toEqual(['a3.wav', 'a4.wav', 'a5.wav']);
    await addCapture(dir, 'big.wav', Buffer.alloc(850), limits);
    expect((await listCaptures(dir)).map(({ name }) => name)).toEqual(['a5.wav', 'big.wav']);
    await addCapture(dir, 'too-big.wav', Buffer.alloc(1001), limits);
    expect(existsSync(path.join(dir, 'too-big.wav'))).toBe(false);
  });

  it('is its owner’s alone, and is emptied by one call that leaves other files', async () => {
    const folder = path.join(dir, 'deep', 'er');
    await addCapture(folder, 'a.wav', Buffer.alloc(10), limits);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, 'a.wav')).mode & 0o777).toBe(0o600);
    writeFileSync(path.join(folder, 'notes.txt'), 'mine');
    expect(await deleteCaptures(folder)).toBe(1);
    expect(readdirSync(folder)).toEqual(['notes.txt']);
    expect(await deleteCaptures(path.join(dir, 'nowhere'))).toBe(0);
  });
});

describe('captures of a microphone', () => {
  const limits = { maxFiles: 10, maxBytes: 1e6 };
  const piece = (value: number): Float32Array => new Float32Array(1600).fill(value);
  const captures = (warn: (text: string) => void = () => undefined): SoundCaptures =>
    new SoundCaptures(path.join(dir, 'mic'), limits, () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), warn);

  it('hold the sound around the event, 3 s of it, named by what it was', async () => {
    const kept = captures();
    for (let i = 0; i < 40; i++) kept.push(piece(i / 100), 1600);
    kept.event({ kind: 'near-miss', model: 'wake-beep', score: 0.41 });
    for (let i = 40; i < 50; i++) kept.push(piece(i / 100), 1600);
    await kept.settled();
    const [name] = readdirSync(path.join(dir, 'mic'));
    expect(name).toBe('2026-01-02t03-04-05-006z-near-miss-wake-beep-041.wav');
    const bytes = readFileSync(path.join(dir, 'mic', name!));
    expect(bytes.length).toBe(44 + 2 * 48_000);
    // From 2.5 s before the event to 0.5 s after it.
    expect(bytes.readInt16LE(44)).toBe(Math.round(0.15 * 32_768));
    expect(bytes.readInt16LE(bytes.length - 2)).toBe(Math.round(0.44 * 32_768));
  });

  it('are one for what happens together, and none across a gap', async () => {
    const kept = captures();
    kept.push(piece(0.1), 1600);
    kept.event({ kind: 'near-miss', model: 'wake-beep', score: 0.4 });
    kept.event({ kind: 'activated', model: 'wake-beep', score: 0.9 });
    kept.event({ kind: 'near-miss', model: 'wake-beep', score: 0.4 });
    for (let i = 0; i < 10; i++) kept.push(piece(0.1), 1600);
    kept.event({ kind: 'near-miss', model: 'wake-beep', score: 0.4 });
    kept.reset();
    for (let i = 0; i < 10; i++) kept.push(piece(0.1), 1600);
    await kept.settled();
    expect(readdirSync(path.join(dir, 'mic'))).toEqual([expect.stringContaining('activated')]);
  });

  it('that cannot be written are told once, and hurt nobody', async () => {
    const warnings: string[] = [];
    writeFileSync(path.join(dir, 'mic'), 'in the way');
    const kept = captures((text) => warnings.push(text));
    for (let turn = 0; turn < 3; turn++) {
      kept.event({ kind: 'activated', model: 'wake-beep', score: 0.9 });
      for (let i = 0; i < 6; i++) kept.push(piece(0.1), 1600);
      await kept.settled();
    }
    expect(warnings).toHaveLength(1);
  });
});
