import { spawnSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../../..');
const train = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(ROOT, 'dist', 'main.js'), 'train', 'wake-word', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });

describe('usher train wake-word', () => {
  it.each([
    [
      ['jarvis', '--beside', 'models/wake-computer'],
      2,
      /--beside: wake-computer hears “computer”, not “jarvis”.*same word/s,
    ],
    [['computer', '--beside', 'models/scene'], 1, /scene is a scene model, here a wake-word model is needed/],
    [['computer', '--from', 'models/no-such-bundle'], 3, /no-such-bundle/],
    [['computer', '--units', '20'], 2, /--units 20: a multiple of 8 is expected/],
    [['computer', '--engines', 'siri'], 2, /--engines siri: known are espeak-ng/],
  ])('says what is wrong before it begins: %j', (args, status, message) => {
    const ended = train(...args);
    expect(ended.stderr).toMatch(message);
    expect(ended.status).toBe(status);
  });
});
