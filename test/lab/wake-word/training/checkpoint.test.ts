import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAdam } from '../../../../src/lab/wake-word/network/adam';
import { failureOf } from '../../../store/fixtures';
import { loadCheckpoint, saveCheckpoint, type TrainingState } from '../../../../src/lab/wake-word/training/checkpoint';
import { randomNetwork } from '../../../support/wake-word';
import { canMount } from '../../../support/tmpfs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-checkpoint-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function stateOf(seed: number): TrainingState {
  const network = randomNetwork(seed);
  const adam = createAdam(network);
  adam.steps = 17;
  adam.first[2]!.fill(0.25);
  return {
    step: 17,
    network,
    adam,
    best: randomNetwork(seed + 1),
    mean: { network: randomNetwork(seed + 2), networks: 3 },
    mined: [{ beforeStep: 5, negatives: [{ score: 0.5, samples: Float32Array.of(0.5, -1, 3 / 32_768) }] }],
    losses: [{ step: 10, loss: 0.3 }],
    rounds: [],
  };
}

describe('a checkpoint', () => {
  it('brings back all of the state', async () => {
    const file = path.join(dir, 'c');
    const state = stateOf(1);
    saveCheckpoint(file, 'f', state);
    expect(await loadCheckpoint(file, 'f')).toEqual(state);
    expect(readdirSync(dir)).toEqual(['c']);
  });

  it('is null where there is none', async () => {
    expect(await loadCheckpoint(path.join(dir, 'c'), 'f')).toBeNull();
  });

  it('of another training is refused', async () => {
    const file = path.join(dir, 'c');
    saveCheckpoint(file, 'f', stateOf(1));
    await expect(loadCheckpoint(file, 'g')).rejects.toMatchObject({
      code: 'data-invalid',
      remedy: expect.any(String) as string,
    });
  });

  it.each([
    ['empty', (): Buffer => Buffer.alloc(0)],
    ['cut off', (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 9)],
    [
      'changed in one bit',
      (bytes: Buffer): Buffer => {
        const copy = Buffer.from(bytes);
        copy[copy.length - 100]! ^= 4;
        return copy;
      },
    ],
  ])('that is %s is refused', async (_, spoil) => {
    const file = path.join(dir, 'c');
    saveCheckpoint(file, 'f', stateOf(1));
    writeFileSync(file, spoil(readFileSync(file)));
    await expect(loadCheckpoint(file, 'f')).rejects.toMatchObject({ code: 'data-invalid' });
  });

  (canMount ? it : it.skip)('stays the one before when the disk is full', async () => {
    const disk = path.join(dir, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
    try {
      const file = path.join(disk, 'c');
      saveCheckpoint(file, 'f', stateOf(1));
      writeFileSync(path.join(disk, 'filler'), Buffer.alloc(220_000));
      expect(failureOf(() => saveCheckpoint(file, 'f', stateOf(2)))).toMatchObject({
        code: 'file-unreadable',
        message: expect.stringContaining('ENOSPC') as string,
        remedy: expect.stringContaining('--resume') as string,
      });
      expect(await loadCheckpoint(file, 'f')).toEqual(stateOf(1));
      expect(readdirSync(disk).sort()).toEqual(['c', 'filler']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
