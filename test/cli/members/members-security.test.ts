import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { keysCommand } from '../../../src/cli/store/keys';
import { membersCommand } from '../../../src/cli/members/members';
import { Store } from '../../../src/store/store';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-members-'));
  const store = Store.open(path.join(folder, 'data'));
  store.members.add({ id: 'a', name: 'Ann' }, [
    { space: 's', vector: Float32Array.of(0.25, 0.5), quality: 0.875, source: 'picture' },
  ]);
  store.close();
  writeFileSync(path.join(folder, 'pass'), 'correct horse battery\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the command writes to standard output, parsed. */
async function usher(...args: string[]): Promise<unknown> {
  let output = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    output += String(chunk);
    return true;
  });
  try {
    const program = new Command('usher').addCommand(membersCommand()).addCommand(keysCommand());
    for (const command of program.commands)
      for (const sub of command.commands) sub.exitOverride().configureOutput({ writeErr: () => undefined });
    const data = args.includes('--data') ? [] : ['--data', path.join(folder, 'data')];
    await program.parseAsync([...args, ...data, '--json'], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return JSON.parse(output);
}

describe('usher members', () => {
  it('sets groups, validity and duress ids, and tells no duress id', async () => {
    const set = ['--group', 'staff', '--group', 'early', '--valid-from', '2025-01-01T00:00Z', '--duress-id', 'secret9'];
    const told = await usher('members', 'set', 'a', ...set, '--valid-until', '2026-01-01T00:00Z');
    expect(told).toMatchObject({
      member: {
        groups: ['early', 'staff'],
        validFrom: '2025-01-01T00:00:00.000Z',
        validUntil: '2026-01-01T00:00:00.000Z',
        duressIds: 1,
      },
    });
    expect(JSON.stringify(told)).not.toContain('secret9');
    expect(await usher('members', 'set', 'a', '--group', 'none', '--valid-until', 'none')).toMatchObject({
      member: { groups: [], validFrom: '2025-01-01T00:00:00.000Z', validUntil: null, duressIds: 1 },
    });
    await expect(usher('members', 'set', 'a', '--valid-from', '2025-02-30')).rejects.toThrow('a day like');
    await expect(usher('members', 'set', 'a', '--valid-from', '2026')).rejects.toThrow('a day like');
    await expect(usher('members', 'set', 'a', '--duress-id', 'a')).rejects.toMatchObject({ code: 'usage' });
  });

  it('records a consent, and takes its withdrawal for a deletion with a signed receipt', async () => {
    expect(await usher('members', 'consent', 'a', '--consent-text', '1', '--consent-by', 'desk')).toMatchObject({
      member: { consent: { textVersion: '1', by: 'desk' } },
    });
    expect(await usher('members', 'withdraw', 'a', '--by', 'desk')).toMatchObject({
      removed: { id: 'a' },
      receipt: {
        reason: 'withdrawal',
        by: 'desk',
        deleted: { keys: 1, templates: 1 },
        sig: expect.any(String) as string,
      },
    });
    expect(await usher('members', 'receipts')).toMatchObject({ receipts: [{ reason: 'withdrawal' }] });
    expect(await usher('members', 'list')).toEqual({ members: [] });
  });

  it('exports to a new private file and imports from it', async () => {
    const file = path.join(folder, 'members.usher');
    const other = path.join(folder, 'other');
    const pass = ['--passphrase-file', path.join(folder, 'pass')];
    expect(await usher('members', 'export', file, ...pass)).toMatchObject({ members: 1 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expect(usher('members', 'export', file, ...pass)).rejects.toMatchObject({ code: 'usage' });
    expect(await usher('members', 'import', file, ...pass, '--data', other)).toMatchObject({ added: ['a'] });
    await expect(usher('members', 'import', file, ...pass, '--data', other)).rejects.toMatchObject({
      code: 'member-exists',
    });
    const keep = await usher('members', 'import', file, ...pass, '--data', other, '--on-conflict', 'keep');
    expect(keep).toMatchObject({ added: [], kept: ['a'] });
    writeFileSync(path.join(folder, 'pass'), 'another passphrase\n');
    await expect(usher('members', 'import', file, ...pass)).rejects.toMatchObject({ code: 'data-invalid' });
    for (const bad of [folder, path.join(folder, 'none'), '/dev/zero'])
      await expect(usher('members', 'import', bad, ...pass)).rejects.toMatchObject({ code: 'file-unreadable' });
    writeFileSync(path.join(folder, 'pass'), 'short\n');
    await expect(usher('members', 'export', `${file}2`, ...pass)).rejects.toMatchObject({ code: 'usage' });
    expect(existsSync(`${file}2`)).toBe(false);
  });
});

describe('usher keys rotate-box', () => {
  it('exchanges the key, and refuses one that others can read', async () => {
    const key = path.join(folder, 'data', 'keys', 'box.key');
    const before = readFileSync(key, 'latin1');
    expect(await usher('keys', 'rotate-box')).toEqual({ version: 2, members: 1, advice: null });
    expect(readFileSync(key, 'latin1')).not.toBe(before);
    chmodSync(key, 0o644);
    await expect(usher('keys', 'rotate-box')).rejects.toMatchObject({ code: 'key-unusable' });
    await expect(usher('members', 'list')).rejects.toMatchObject({ code: 'key-unusable' });
  });
});
