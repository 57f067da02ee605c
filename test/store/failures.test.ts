import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Store } from '../../src/store/store';
import { linesOf, startTask, withFolder } from './harness';

/** Every member that was acknowledged is there with both templates, and nobody has half of what a member has. */
async function expectIntact(folder: string, acknowledged: readonly string[]): Promise<void> {
  const [answer = ''] = await linesOf(startTask('check', folder));
  const { integrity, orphans, members } = JSON.parse(answer) as {
    integrity: string[];
    orphans: number;
    members: { id: string; templates: number }[];
  };
  expect(integrity).toEqual(['ok']);
  expect(orphans).toBe(0);
  expect(members.filter((member) => member.templates !== 2)).toEqual([]);
  const ids = new Set(members.map((member) => member.id));
  expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
}

const canMount = ((): boolean => {
  try {
    if (process.getuid?.() !== 0) return false;
    const probe = path.join('/tmp', `usher-mount-probe-${process.pid}`);
    mkdirSync(probe);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    execFileSync('rmdir', [probe]);
    return true;
  } catch {
    return false;
  }
})();

describe('a process that is killed while it writes', () => {
  it(
    'loses nothing that it acknowledged, over 20 kills of one store',
    () =>
      withFolder(async (folder) => {
        const acknowledged: string[] = [];
        for (let kill = 0; kill < 20; kill += 1) {
          const least = 1 + ((kill * 7) % 23);
          const lines = await linesOf(startTask('write', folder), (_, count) => count >= least);
          expect(lines.length).toBeGreaterThanOrEqual(least);
          acknowledged.push(...lines);
        }
        expect(new Set(acknowledged).size).toBe(acknowledged.length);
        await expectIntact(folder, acknowledged);
      }),
    120_000,
  );
});

describe('processes that create one store at once', () => {
  it('all find it whole', () =>
    withFolder(async (folder) => {
      const dataDir = path.join(folder, 'data');
      const answers = await Promise.all(Array.from({ length: 6 }, () => linesOf(startTask('open', dataDir))));
      expect(answers).toEqual(Array.from({ length: 6 }, () => ['opened']));
    }));
});

describe('a disk that fills up', () => {
  const expectRefusal = (lines: readonly string[], what: RegExp): string[] => {
    const last = lines.at(-1) ?? '';
    expect(last).toMatch(/^failed /);
    const error = JSON.parse(last.slice('failed '.length)) as { code: string; message: string; remedy: string };
    expect(error.code).toBe('store-unavailable');
    expect(error.message).toContain('usher.db');
    expect(error.message).toMatch(what);
    expect(error.remedy).not.toBe('');
    return lines.slice(0, -1);
  };

  it('is told, and keeps all that was acknowledged (limit on file size)', () =>
    withFolder(async (folder) => {
      const acknowledged = expectRefusal(await linesOf(startTask('write', folder, 'ulimit -f 512')), /disk|fail/);
      expect(acknowledged.length).toBeGreaterThan(10);
      await expectIntact(folder, acknowledged);
    }));

  (canMount ? it : it.skip)('is told, and keeps all that was acknowledged (a full tmpfs)', () =>
    withFolder(async (folder) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=768k', 'tmpfs', folder]);
      try {
        const acknowledged = expectRefusal(await linesOf(startTask('write', folder)), /disk is full/);
        expect(acknowledged.length).toBeGreaterThan(10);
        execFileSync('mount', ['-o', 'remount,size=8m', folder]);
        await expectIntact(folder, acknowledged);
        execFileSync('mount', ['-o', 'remount,ro', folder]);
        expectRefusal(await linesOf(startTask('open', folder)), /read-only|cannot be/);
      } finally {
        execFileSync('umount', [folder]);
      }
    }),
  );
});

describe('a folder that belongs to someone else', () => {
  it('is told with its path', () =>
    withFolder(async (folder) => {
      const dataDir = path.join(folder, 'data');
      Store.open(dataDir).close();
      const root = process.getuid?.() === 0;
      if (root) for (const each of [dataDir, path.join(dataDir, 'usher.db')]) chownSync(each, 0, 0);
      else chmodSync(dataDir, 0o500);
      chmodSync(folder, 0o755);
      const someoneElse = root ? { uid: 65534, gid: 65534 } : {};
      const lines = await linesOf(startTask('open', dataDir, '', someoneElse));
      if (!root) chmodSync(dataDir, 0o700);
      expect(lines.join()).toContain('"code":"store-unavailable"');
      expect(lines.join()).toContain(dataDir);
    }));
});
