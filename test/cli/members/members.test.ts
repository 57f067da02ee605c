import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { membersCommand } from '../../../src/cli/members/members';
import { UsherError } from '../../../src/errors';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-members-'));
  const store = Store.open(folder, { now: () => Date.UTC(2024, 0, 31, 12) });
  store.members.add({ id: '4711', name: 'Ann Example' }, [
    { space: 'a.space', vector: Float32Array.of(0.25, 0.5), quality: 0.875, source: 'picture' },
  ]);
  store.members.add({ id: 'b', name: 'Bo' });
  store.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What `usher members …` writes to standard output. */
async function members(...args: string[]): Promise<string> {
  let output = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    output += String(chunk);
    return true;
  });
  try {
    const program = new Command('usher').addCommand(membersCommand());
    await program.parseAsync(['members', ...args, ...(args.includes('--config') ? [] : ['--data', folder])], {
      from: 'user',
    });
  } finally {
    write.mockRestore();
  }
  return output;
}

const json = async (...args: string[]): Promise<unknown> => JSON.parse(await members(...args, '--json'));

const AT = '2024-01-31T12:00:00.000Z';
const ANN = {
  id: '4711',
  name: 'Ann Example',
  status: 'active',
  groups: [],
  validFrom: null,
  validUntil: null,
  duressIds: 0,
  consent: null,
  createdAt: AT,
  updatedAt: AT,
  enrolledAt: AT,
  lastSeenAt: null,
};

describe('usher members', () => {
  it('lists', async () => {
    expect(await members('list')).toBe(
      [
        'id    name         status  templates  since',
        '4711  Ann Example  active  1          2024-01-31',
        'b     Bo           active  0          2024-01-31',
        '2 members, 0 suspended, 2 without a record of consent\n',
      ].join('\n'),
    );
    expect(await json('list')).toMatchObject({
      members: [
        { ...ANN, templates: 1 },
        { id: 'b', templates: 0 },
      ],
    });
  });

  it('lists what doors have taken from accepted faces, and takes it back', async () => {
    const store = Store.open(folder);
    const taken = { door: 'front', distance: 0.1 };
    const face = { space: 'a.space', vector: Float32Array.of(0.3, 0.5), quality: 0.9 };
    store.templates.adapt('4711', face, 3, taken);
    store.templates.adapt('b', face, 3, taken);
    store.close();
    expect(await members('adapted')).toMatch(/4711 .*a\.space +0\.90[^]*b .*[^]*2 templates from accepted faces/);
    expect(await json('adapted', 'b')).toMatchObject({ adapted: [{ member: 'b', space: 'a.space' }] });
    expect(await json('forget-adapted', '4711')).toEqual({ forgotten: { '4711': 1 } });
    expect(await json('show', '4711')).toMatchObject({ templates: [{ source: 'picture' }] });
    await expect(members('forget-adapted')).rejects.toMatchObject({ code: 'usage' });
    await expect(members('forget-adapted', 'nobody')).rejects.toMatchObject({ code: 'member-unknown' });
    expect(await json('forget-adapted', '--all')).toEqual({ forgotten: { b: 1 } });
    expect(await json('adapted')).toEqual({ adapted: [] });
  });

  it('checks: nothing is damaged; then names who is by id, ends with 1, and repairs only when told to', async () => {
    expect(await members('check')).toBe('2 members, nothing is damaged\n');
    expect(process.exitCode ?? 0).toBe(0);
    const file = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
    file.exec("UPDATE templates SET sealed = substr(sealed, 1, 30); UPDATE members SET profile = x'00' WHERE id = 'b'");
    file.close();
    try {
      const told = await members('check');
      expect(told).toMatch(
        /b: the profile of member b is damaged[^]*4711: a template of member 4711 is damaged[^]*2 problems/,
      );
      expect(told).not.toContain('Ann');
      expect(process.exitCode).toBe(1);
      expect(await members('list')).toMatch(/4711 .*\n1 member,[^]*b: the profile/);
      expect(await members('repair')).toContain('Nothing was changed');
      expect(await json('check')).toMatchObject({ problems: [{ member: 'b' }, { member: '4711', template: 1 }] });
      expect(await json('repair', '--yes', '--by', 'desk')).toEqual({
        ...{ templates: { '4711': 1 }, members: ['b'], orphans: 0, enrolAgain: ['b', '4711'], changed: true },
      });
      expect(await members('check')).toBe('1 members, nothing is damaged\n');
      const journal = Journal.open(folder, { readonly: true });
      const records = [...journal.records()].map(({ kind, body }) => `${kind} ${body}`);
      journal.close();
      expect(records).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^member .*"damagedTemplates":1.*"member":"4711"/) as string,
          expect.stringMatching(/^deletion .*"member":"b"/) as string,
        ]),
      );
    } finally {
      process.exitCode = 0;
    }
  });

  it('removes a member who cannot be read', async () => {
    const file = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
    file.exec("UPDATE members SET profile = x'00' WHERE id = 'b'");
    file.close();
    expect(await members('remove', 'b')).toContain('b is deleted');
  });

  it('shows one, without the vectors', async () => {
    expect(await members('show', '4711')).toContain('a.space  picture  0.88');
    expect(await members('show', 'b')).toContain('enrol this member again');
    expect(await json('show', '4711')).toEqual({
      member: ANN,
      templates: [{ id: 1, space: 'a.space', source: 'picture', quality: 0.875, createdAt: AT }],
    });
  });

  it('suspends, activates, renames, removes', async () => {
    expect(await members('suspend', '4711')).toBe('4711 (Ann Example) is suspended\n');
    expect(await members('list')).toContain('2 members, 1 suspended');
    expect(await json('activate', '4711')).toMatchObject({ member: { status: 'active' } });
    expect(await json('rename', '4711', 'Ann Other')).toMatchObject({ member: { id: '4711', name: 'Ann Other' } });
    expect(await json('remove', '4711')).toMatchObject({ removed: { id: '4711' } });
    expect(await json('list')).toMatchObject({ members: [{ id: 'b' }] });
  });

  it('takes the data folder from a configuration', async () => {
    const file = path.join(folder, 'usher.yaml');
    writeFileSync(
      file,
      'device: { site: s, id: d }\ndataDir: .\ncameras: [{ id: c, source: { type: folder, path: p } }]\n' +
        'doors: [{ id: d, camera: c, mode: identify }]\n',
    );
    expect(await json('list', '--config', file)).toMatchObject({ members: [{ id: '4711' }, { id: 'b' }] });
  });

  it.each([
    ['member-unknown', ['show', 'nobody']],
    ['member-unknown', ['remove', 'nobody']],
    ['member-unknown', ['suspend', 'nobody']],
    ['usage', ['show', 'a b']],
    ['usage', ['rename', 'b', ' ']],
    ['file-unreadable', ['list', '--config', '/nowhere/usher.yaml']],
  ])('fails with %s for %j', async (code, args) => {
    await expect(members(...args)).rejects.toMatchObject({ code });
    await expect(members(...args)).rejects.toBeInstanceOf(UsherError);
  });

  it('does not make up a store', async () => {
    rmSync(path.join(folder, 'usher.db'));
    await expect(members('list')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
