import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { noise, shorts, wav } from '../../support/sound';
import { withFolder } from '../../store/harness';

const MAIN = path.resolve(__dirname, '../../../dist/main.js');
const record = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'record', ...args], { encoding: 'utf8' });

describe('usher record', () => {
  it.each([
    [['--file', 'in.wav', '--device', 'hw:1'], /'--file <path>' cannot be used with option '--device <name>'/],
    [['--file', 'in.wav', '--source', 'sox'], /'--file <path>' cannot be used with option '--source <program>'/],
    [['--source', 'rec', '--device', 'hw:1'], /--device hw:1: rec takes none/],
    [['--source', 'stdin', '--device', 'hw:1'], /--device hw:1: stdin takes none/],
  ])('refuses what it would not heed: %j', (args, message) => {
    expect(record('word', 'beep', ...args)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(message) as string,
    });
  });

  it('tells of a recording what is wrong with each take, prompts nobody, and speaks of no microphone', () =>
    withFolder((folder) => {
      const file = path.join(folder, 'in.wav');
      writeFileSync(file, wav(shorts(noise(7, 0.01))));
      const { status, stdout, stderr } = record('word', 'beep', '--file', file, '--out', path.join(folder, 'out'));
      expect(status).not.toBe(0);
      expect(stdout).toMatch(/^0 good takes of 20 are in .*; 3 were not good enough\.$/m);
      expect(stderr).toMatch(/take 1: No speech was found.*take 3: No speech was found.*0 of 20 takes are good/s);
      expect(stderr).not.toMatch(/Say “beep”|another microphone/);
    }));

  it('counts what a microphone heard and nearly heard, and deletes it', () =>
    withFolder((folder) => {
      const config = path.join(folder, 'usher.yaml');
      writeFileSync(
        config,
        `device: { site: gym, id: hall }
dataDir: data
models: { dir: models }
microphones: [{ id: hall, source: { type: arecord }, words: [{ model: wake-beep }], capture: {} }]
`,
      );
      const captures = path.join(folder, 'data', 'captures', 'hall');
      mkdirSync(captures, { recursive: true });
      for (const kind of ['activated', 'activated', 'near-miss'].entries())
        writeFileSync(path.join(captures, `2026-05-0${kind[0] + 1}t12-00-00-000z-${kind[1]}-wake-beep-050.wav`), 'x');
      expect(record('captures', '--config', config).stdout).toMatch(/^hall: 2 activations and 1 near misses, /);
      expect(record('captures', '--config', config, '--delete').stdout).toMatch(/deleted from/);
      expect(record('captures', '--config', config).stdout).toMatch(/^hall: 0 activations and 0 near misses/);
    }));
});
