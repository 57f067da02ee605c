import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBundle } from '../../../src/bundles/write';
import { installedModels } from '../../../src/fleet/update/installed';
import type { ReleaseDocument } from '../../../src/fleet/release';
import { Slots } from '../../../src/fleet/update/slots';
import { checkStaged } from '../../../src/fleet/update/staged';
import { readBundle } from '../../../src/inference/bundle';
import { tinyBundle } from '../../bundles/tiny-model';
import { refusal } from '../rig';
import { installedOf, releaseOf } from '../samples';

describe('a table of thresholds in its slot', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-staged-'));
  const slots = new Slots(dir);
  let running = '';
  let model: NonNullable<ReleaseDocument['model']>;
  const row = { fmr: 0.01, distance: 0.7, fnmr: null, measuredOn: 'this test' };

  beforeAll(async () => {
    running = await writeBundle(path.join(dir, 'models'), tinyBundle('tiny'));
    const { card } = await readBundle(running);
    model = { name: card.name, version: card.version, sha256: card.files[card.model] ?? '' };
    slots.prepare('face/encoder');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const stage = (n: number, table: object): { release: ReleaseDocument; slot: string } => {
    const release = releaseOf(n, { kind: 'thresholds', model });
    const slot = slots.dirOf('face/encoder', release);
    mkdirSync(slot);
    writeFileSync(path.join(slot, 'thresholds.json'), JSON.stringify(table));
    return { release, slot };
  };

  it('becomes a bundle of the running model, which the box starts with', async () => {
    const { release, slot } = stage(1, { v: 1, model, output: { thresholds: [row] } });
    await checkStaged(release, slot, running);
    const { card } = await readBundle(slot);
    expect(card.output).toMatchObject({ thresholds: [row] });
    expect((await readBundle(running)).card.output).toMatchObject({ thresholds: [{ distance: 1 }] });
    slots.activate('face/encoder', { ...installedOf(1), kind: 'thresholds' });
    expect(await installedModels(dir)).toEqual({ encoder: slot });
    // Cut off in the middle, it is done again.
    rmSync(path.join(slot, 'card.json'));
    await checkStaged(release, slot, running);
    expect((await readBundle(slot)).card.output).toMatchObject({ thresholds: [row] });
  });

  it.each([
    [
      'for another model',
      (): object => ({ v: 1, model: { ...model, version: '9.0.0' }, output: { thresholds: [row] } }),
    ],
    ['that the card does not allow', (): object => ({ v: 1, model, output: { thresholds: [{ ...row, fmr: 7 }] } })],
    ['of something the card has not', (): object => ({ v: 1, model, output: { scoreThreshold: 0.5 } })],
  ])('%s is refused', async (what, table) => {
    const { release, slot } = stage(2 + what.length, table());
    expect(await refusal(checkStaged(release, slot, running))).toBe('thresholds-invalid');
  });

  it('with nothing that runs is refused', async () => {
    const { release, slot } = stage(99, { v: 1, model, output: { thresholds: [row] } });
    expect(await refusal(checkStaged(release, slot, null))).toBe('thresholds-invalid');
  });
});
