import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { readFaceDataset } from '../../../../src/lab/faces/data/dataset';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataset-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function touch(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), '');
  }
}

test('variants of a person: neutral is enrolled, the others are probes', async () => {
  touch('002_smiling.jpg', '001_frowning.JPG', '001_neutral.jpg', '002_neutral.jpg', 'README.md', '.hidden_1.jpg');
  const { style, persons, pictures } = await readFaceDataset(folder);
  expect(style).toBe('variants');
  expect(persons).toEqual(['001', '002']);
  expect(pictures.map(({ file, person, role }) => [basename(file), person, role])).toEqual([
    ['001_neutral.jpg', 0, 'enrolled'],
    ['001_frowning.JPG', 0, 'probe'],
    ['002_neutral.jpg', 1, 'enrolled'],
    ['002_smiling.jpg', 1, 'probe'],
  ]);
});

describe('the layout of LFW', () => {
  const PICTURES = ['Ann_Lee/Ann_Lee_0001.jpg', 'Ann_Lee/Ann_Lee_0002.jpg', 'Bo/Bo_0001.jpg', 'Cy/Cy_0001.jpg'];

  test.each([
    ['a folder a person', PICTURES],
    ['flat', PICTURES.map((name) => basename(name))],
    ['in one folder further down', PICTURES.map((name) => `lfw/${name}`)],
  ])('%s', async (_, names) => {
    touch(...names);
    const { style, persons, pictures } = await readFaceDataset(folder);
    expect(style).toBe('lfw');
    expect(persons).toEqual(['Ann_Lee', 'Bo', 'Cy']);
    expect(pictures.map(({ person, role }) => `${person} ${role}`)).toEqual(['0 any', '0 any', '1 any', '2 any']);
  });

  test('pairs point at pictures, whatever their number is padded to', async () => {
    touch(...PICTURES);
    const pairs = join(folder, 'pairs.txt');
    writeFileSync(pairs, '1\nAnn_Lee 1 2\nBo 1 Cy 1\n');
    const set = await readFaceDataset(folder, { pairs });
    expect(set.pairs).toMatchObject({
      folds: 1,
      pairs: [
        { left: 0, right: 1, same: true },
        { left: 2, right: 3 },
      ],
    });
  });

  test('a limit leaves persons out, and says how many pairs went with them', async () => {
    touch(...PICTURES);
    const pairs = join(folder, 'pairs.txt');
    writeFileSync(pairs, '1\nAnn_Lee 1 2\nBo 1 Cy 1\n');
    const set = await readFaceDataset(folder, { pairs, limit: 2 });
    expect(set.persons).toEqual(['Ann_Lee', 'Bo']);
    expect(set.pairs).toMatchObject({ pairs: [{ left: 0, right: 1 }], leftOut: 1 });
  });

  test('a pair of a picture that is not there is refused with file and line', async () => {
    touch(...PICTURES);
    const pairs = join(folder, 'pairs.txt');
    writeFileSync(pairs, '1\nAnn_Lee 1 2\nBo 1 Dee 1\n');
    await expect(readFaceDataset(folder, { pairs })).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/pairs\.txt:3: no picture Dee_0001 under /) as string,
    });
  });

  test('linked pictures are pictures', async () => {
    touch('real/A_0001.jpg', 'real/B_0001.jpg');
    mkdirSync(join(folder, 'links'));
    for (const name of ['A_0001.jpg', 'B_0001.jpg'])
      symlinkSync(join(folder, 'real', name), join(folder, 'links', name));
    expect((await readFaceDataset(join(folder, 'links'))).pictures).toHaveLength(2);
  });
});

test.each([
  ['nothing there', [], /no pictures found/],
  ['a picture of nobody', ['portrait.jpg', '001_neutral.jpg'], /portrait\.jpg: the name does not contain the person/],
  ["another person's name in a folder", ['A/B_0001.jpg', 'B/B_0001.jpg'], /A\/B_0001\.jpg: the name does not contain/],
  ['one person alone', ['001_neutral.jpg', '001_smiling.jpg'], /1 person\(s\), at least 2/],
])('%s', async (_, names, message) => {
  touch(...names);
  await expect(readFaceDataset(folder)).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(message) as string,
  });
});

test('a folder that does not exist, and a pairs file that does not', async () => {
  await expect(readFaceDataset(join(folder, 'no'))).rejects.toMatchObject({ code: 'file-unreadable' });
  touch('A_0001.jpg', 'B_0001.jpg');
  await expect(readFaceDataset(folder, { pairs: join(folder, 'no.txt') })).rejects.toMatchObject({
    code: 'file-unreadable',
    message: expect.stringContaining('no.txt does not exist') as string,
  });
});
