import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evalCommand } from '../../src/lab/eval';
import { styliseCommand } from '../../src/cli/stylise';
import type { Figure } from '../../src/lab/report/figure';
import { readPicture } from '../../src/vision/picture/picture';
import { describeWithLondon, installedModels, london } from '../support/faces';
import { sharedDir } from '../support/shared';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stylise-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function told(work: () => Promise<unknown>): Promise<string> {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await work();
  } finally {
    write.mockRestore();
  }
  return written.join('');
}

const stylise = (...args: readonly string[]) => told(() => styliseCommand().parseAsync(['node', 'stylise', ...args]));

test('a result of another kind is refused before any work', async () => {
  await expect(stylise('in.jpg', 'out.gif')).rejects.toMatchObject({ code: 'usage' });
  await expect(stylise(join(folder, 'none.jpg'), 'out.jpg')).rejects.toMatchObject({ code: 'file-unreadable' });
});

describeWithLondon('with real faces and models', () => {
  test('a still is written in which nobody is recognised', async () => {
    const out = join(folder, 'still.png');
    const result = JSON.parse(
      await stylise(london(2, 'smiling'), out, '--side', '128', '--steps', '2', '--json'),
    ) as object;
    expect(result).toMatchObject({ file: out, width: 128, height: 128, faces: 1 });
    const still = await readPicture(out);
    expect([still.width, still.height]).toEqual([128, 128]);
  }, 300_000);

  test('a face that kept its features matches, one without does not', async () => {
    const rate = async (...more: string[]): Promise<(name: string) => Figure> => {
      const args = [
        '--images',
        join(sharedDir, 'data/faces/london'),
        '--models',
        'mobilefacenet',
        '--models-dir',
        installedModels,
      ];
      const json = await told(() =>
        evalCommand().parseAsync([
          'node',
          'eval',
          'privacy',
          ...args,
          '--limit',
          '4',
          '--steps',
          '0',
          '--json',
          ...more,
        ]),
      );
      const { figures } = JSON.parse(json) as { figures: Figure[] };
      return (name) => figures.find((figure) => figure.name === `privacy.mobilefacenet.${name}`)!;
    };
    const stills = join(folder, 'stills');
    const hidden = await rate('--stills', stills);
    expect(hidden('match_before').value).toBe(1);
    expect(hidden('match_after').value).toBe(0);
    expect(hidden('match_after_known_place').value).toBe(0);
    expect(hidden('match_painted_gallery').value).toBeNull();
    expect(existsSync(join(stills, '001.png'))).toBe(true);
    const shown = await rate('--keep-features');
    expect(shown('match_after').value).toBe(1);
    expect(shown('match_after_known_place').value).toBe(1);
  }, 300_000);
});
