import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeBundle } from '../../../src/bundles/write';
import { readContent } from '../../../src/fleet/manager/content';
import { ThresholdsFile, thresholdsOf } from '../../../src/fleet/thresholds-file';
import { readCard } from '../../../src/inference/bundle';
import { packageRoot } from '../../../src/system/paths';
import { tinyBundle } from '../../bundles/tiny-model';

describe('the format of a thresholds release', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'usher-thresholds-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  test('what models thresholds prints is taken by publish', async () => {
    const bundle = await writeBundle(join(dir, 'models'), tinyBundle('tiny'));
    const file = join(dir, 'table.json');
    writeFileSync(file, JSON.stringify(thresholdsOf(await readCard(bundle))));
    await expect(readContent(file, join(dir, 'models'))).resolves.toMatchObject({
      kind: 'thresholds',
      model: { name: 'tiny', version: '1.0.0' },
    });
  });

  test('every shipped bundle with a table prints one', async () => {
    for (const name of ['wake-computer', 'wake-jarvis']) {
      const table = thresholdsOf(await readCard(join(packageRoot(), 'models', name)));
      expect(Object.keys(table?.output ?? {})).toEqual(expect.arrayContaining(['operatingPoints', 'presets']));
    }
  });

  test('a file of another form is refused with the form', async () => {
    const file = join(dir, 'table.json');
    writeFileSync(file, '{"thresholds":[{"fmr":0.001,"distance":1}]}');
    await expect(readContent(file, dir)).rejects.toMatchObject({
      code: 'data-invalid',
      remedy: expect.stringContaining('usher models thresholds NAME') as string,
    });
  });

  test('the example of the documents is one', () => {
    const text = readFileSync(join(packageRoot(), 'docs', 'reference', 'releases.md'), 'utf8');
    const example = /```json\n([^`]*"measuredOn"[^`]*)```/.exec(text)?.[1] ?? '';
    expect(ThresholdsFile.safeParse(JSON.parse(example)).error).toBeUndefined();
  });
});
