import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const KILLS = 15;

/** Runs until it has judged some swipes, then kill -9 at a moment of no one's choosing. Returns what it said. */
function runAndKill(dir: string, from: number, afterMs: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['-r', path.join(__dirname, '../../support/run-ts.cjs'), path.join(__dirname, 'swipe-child.ts'), dir, String(from)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    said += bytes.toString();
  });
  return new Promise((resolve) => {
    child.once('close', () => resolve(said.split('\n').slice(0, -1)));
  });
}

test('however often it is killed, no counter is acted on twice', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-swipe-kill-'));
  const acted: number[] = [];
  let next = 1;
  for (let kill = 0; kill < KILLS; kill++) {
    // Everything since the last run once more, as somebody with a recording would play it, then new ones.
    const lines = await runAndKill(dir, Math.max(1, next - 20), Math.random() * 40);
    for (const line of lines) {
      const [outcome = '', counter = ''] = line.split(' ');
      if (outcome === 'acted') acted.push(Number(counter));
      else expect(['duplicate', 'out-of-order']).toContain(outcome);
      next = Math.max(next, Number(counter) + 1);
    }
  }
  expect(acted.length).toBeGreaterThan(KILLS);
  expect(acted).toEqual([...new Set(acted)].sort((a, b) => a - b));
  rmSync(dir, { recursive: true, force: true });
}, 120_000);
