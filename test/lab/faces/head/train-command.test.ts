import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { membersCommand } from '../../../../src/cli/members/members';
import { trainCommand } from '../../../../src/lab/train';
import { seededRandom } from '../../../../src/random';
import { readCard } from '../../../../src/inference/bundle';
import { Journal } from '../../../../src/store/journal/journal';
import { Store } from '../../../../src/store/store';
import { TINY_DIMENSIONS, writeTinyEncoder } from '../../../support/tiny-encoder';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'usher-site-'));
  await writeTinyEncoder(join(folder, 'models'), 'tiny');
  writeFileSync(
    join(folder, 'site.yaml'),
    [
      'device: { site: gym, id: box }',
      'dataDir: data',
      'models: { dir: models, set: recommended, encoder: tiny }',
      'cameras: [{ id: hall, source: { type: folder, path: pictures } }]',
      'doors: [{ id: front, camera: hall, readers: [reader] }]',
    ].join('\n'),
  );
  const random = seededRandom(11);
  const store = Store.open(join(folder, 'data'));
  for (let i = 0; i < 34; i++) {
    const face = Float32Array.from({ length: TINY_DIMENSIONS }, () => random.normal());
    const seen = (noise: number): Float32Array =>
      face.map((value, d) => value + (d < 4 ? noise : 0.2) * random.normal());
    const consent = { textVersion: i < 30 ? 'training-1' : 'entry-1', by: 'desk', at: 1 };
    store.members.add({ id: `m${i}`, name: `Member ${i}`, consent }, [
      { space: 'tiny-v1', vector: seen(0.2), quality: 0.9, source: 'picture' },
      ...Array.from(
        { length: 3 },
        () => ({ space: 'tiny-v1', vector: seen(2), quality: 0.8, source: 'adapted' }) as const,
      ),
    ]);
  }
  store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function usher(...args: string[]): Promise<Record<string, unknown>> {
  let output = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    output += String(chunk);
    return true;
  });
  try {
    const program = new Command('usher').addCommand(membersCommand()).addCommand(trainCommand());
    await program.parseAsync([...args, '--config', join(folder, 'site.yaml'), '--json'], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return JSON.parse(output) as Record<string, unknown>;
}

const records = (kind: string): string[] => {
  const journal = Journal.open(join(folder, 'data'), { readonly: true });
  const found = [...journal.records()].filter((record) => record.kind === kind).map(({ body }) => body);
  journal.close();
  return found;
};

it('trains on members who agreed to it, says so in the journal, and carries templates over into the new space', async () => {
  const quick = ['--steps', '12', '--repeats', '1'];
  await expect(usher('train', 'face-head', ...quick)).rejects.toMatchObject({ code: 'usage' });
  expect(records('training')).toEqual([]);

  const report = join(folder, 'report');
  const told = await usher(
    'train',
    'face-head',
    ...quick,
    '--consent-text',
    'training-1',
    '--by',
    'Kim',
    '--report',
    report,
  );
  expect(told).toMatchObject({ encoder: 'tiny', bundle: join(folder, 'models', 'tiny-door') });
  expect(told['data']).toContain('30 members of this site who consented to it (left out: 4 without such consent');
  const figures = told['figures'] as { name: string; value: number }[];
  expect(figures.find(({ name }) => name === 'face_head.persons_left_out')?.value).toBe(30);
  expect(records('training')).toEqual([expect.stringMatching(/"by":"Kim".*"members":30/)]);
  expect(readFileSync(join(report, 'det.svg'), 'utf8')).toContain('with the head');
  expect(readFileSync(join(report, 'index.html'), 'utf8')).toContain('face_head.fnmr_ratio_at_fmr_1e-2');

  const { output, head } = await readCard(join(folder, 'models', 'tiny-door'));
  expect(head).toEqual({ fromSpace: 'tiny-v1', file: 'head.f32' });
  if (output.decoding !== 'embedding') throw new Error('no encoder');
  expect(output.thresholds.every(({ measuredOn }) => measuredOn.includes('rough'))).toBe(true);

  await expect(usher('members', 're-encode', 'tiny')).rejects.toMatchObject({ code: 'usage' });
  await expect(usher('members', 're-encode', '../tiny-door')).rejects.toMatchObject({ code: 'usage' });
  expect(await usher('members', 're-encode', 'tiny-door', '--by', 'Kim')).toEqual({
    ...{ from: 'tiny-v1', to: output.space, members: 34, templates: 136, alreadyThere: 0, dropped: 0, broken: 0 },
  });
  expect(await usher('members', 're-encode', 'tiny-door', '--drop-old')).toMatchObject({
    alreadyThere: 34,
    dropped: 136,
  });
  expect(records('encoding')).toHaveLength(2);
  const store = Store.open(join(folder, 'data'), { readonly: true });
  expect(Object.fromEntries(store.templates.membersBySpace())).toEqual({ [output.space]: 34 });
  for (const { vector } of store.templates.inSpace(output.space)) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  store.close();
}, 120_000);
