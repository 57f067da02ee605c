import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { leashed } from './leash';
import { prove } from './proof';

/** A proof for `proof.test.ts` that ends in the way that its argument names. */
const how = process.argv[2];

void prove('proof', async ({ onEnd }) => {
  const child = spawn(...leashed('sleep', ['600']));
  onEnd(async () => {
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill();
    await gone;
  });
  mkdtempSync(path.join(tmpdir(), 'left-'));
  process.stdout.write(`child ${child.pid ?? 0}\n`);
  if (how === 'throws') throw new Error('no broker');
  if (how === 'throws-later') void Promise.reject(new Error('no camera'));
  if (how === 'waits' || how === 'throws-later') await new Promise((resolve) => setTimeout(resolve, 600_000));
  return { tried: how === 'tries-nothing' ? 0 : 3, faults: how === 'finds' ? ['it opened'] : [] };
});
