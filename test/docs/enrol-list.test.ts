import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeRecording } from '../../src/lab/demo/recording';
import { packageRoot } from '../../src/system/paths';
import { usher } from '../support/daemon';

const SCRIPT = join(packageRoot(), 'scripts', 'enrol-list.mjs');
const dir = mkdtempSync(join(tmpdir(), 'usher-enrol-list-'));
const config = join(dir, 'door.yaml');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** `scripts/enrol-list.mjs` over a list of these lines. */
async function enrolList(...lines: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const list = join(dir, 'list.tsv');
  writeFileSync(list, `\uFEFF# id, name, pictures\r\n${lines.join('\r\n')}\r\n`);
  const options = [
    '--config',
    config,
    '--consent-text',
    '2026-1',
    '--consent-by',
    'desk',
    '--report',
    join(dir, 'refused.tsv'),
  ];
  try {
    const done = await promisify(execFile)(process.execPath, [SCRIPT, list, ...options], { timeout: 120_000 });
    return { code: 0, ...done };
  } catch (error) {
    const failed = error as { code?: number; stdout: string; stderr: string };
    return { code: failed.code ?? -1, stdout: failed.stdout, stderr: failed.stderr };
  }
}

describe('members from a list', () => {
  beforeAll(async () => {
    const { enrolmentStill } = await makeRecording({ folder: dir, width: 320, height: 180, fps: 1 });
    copyFileSync(enrolmentStill, join(dir, 'ann.jpg'));
    writeFileSync(join(dir, 'bob.jpg'), 'no picture');
    writeFileSync(
      config,
      JSON.stringify({
        device: { site: 'gym', id: 'box' },
        dataDir: 'data',
        models: { dir: join(packageRoot(), 'models') },
        cameras: [{ id: 'entrance', source: { type: 'ffmpeg', input: 'entrance.mp4' } }],
        doors: [{ id: 'front', camera: 'entrance', mode: 'identify' }],
      }),
    );
  }, 120_000);

  it('are enrolled; one whose picture is refused is reported, and the others go on', async () => {
    const first = await enrolList('4712\tBob\tbob.jpg', '', '4711\tAnn Example\tann.jpg');
    expect(first).toMatchObject({ code: 1 });
    expect(first.stdout).toContain('1 enrolled, 1 refused, 0 were enrolled before');
    expect(readFileSync(join(dir, 'refused.tsv'), 'utf8')).toMatch(/^4712\tBob\t.*bob\.jpg/);
    const shown = await usher('members', 'show', '4711', '--config', config);
    expect(shown.stdout).toContain('4711 (Ann Example), active');
    expect(shown.stdout).toContain('consent to text 2026-1, taken by desk');

    const second = await enrolList('4711\tAnn Example\tann.jpg');
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).toContain('0 enrolled, 0 refused, 1 were enrolled before');
  }, 300_000);

  it.each([
    ['a line without a picture', '4713\tCid'],
    ['an id that comes twice', '4711\tAnn\tann.jpg', '4711\tAnna\tann.jpg'],
    ['a picture that is not there', '4714\tDee\tdee.jpg'],
  ])('are not enrolled at all where the list has %s', async (_, ...lines) => {
    const { code, stderr } = await enrolList('4715\tEve\tann.jpg', ...lines);
    expect(code).toBe(2);
    expect(stderr).toMatch(/list\.tsv:\d+: /);
    expect((await usher('members', 'show', '4715', '--config', config)).code).not.toBe(0);
  });

  it('are not enrolled under a configuration that is not good', async () => {
    const good = readFileSync(config, 'utf8');
    writeFileSync(config, good.replace('"device"', '"devise"'));
    const { code, stderr } = await enrolList('4715\tEve\tann.jpg');
    writeFileSync(config, good);
    expect(code).toBe(2);
    expect(stderr).toContain('devise');
  });
});
