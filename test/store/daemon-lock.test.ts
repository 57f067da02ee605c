import { UsherError } from '../../src/errors';
import { holdDaemonLock } from '../../src/store/daemon-lock';
import { Store } from '../../src/store/store';
import { linesOf, startTask, withFolder } from './harness';

const refusal = (folder: string): UsherError => {
  try {
    holdDaemonLock(folder).release();
  } catch (error) {
    if (error instanceof UsherError) return error;
    throw error;
  }
  throw new Error('the lock was given twice');
};

describe('daemon lock', () => {
  it('keeps out a second daemon, names the first, and ends with kill -9', () =>
    withFolder(async (folder) => {
      const child = startTask('lock', folder);
      let second: UsherError | undefined;
      await linesOf(child, () => {
        second = refusal(folder);
        return true;
      });
      expect(second).toMatchObject({ code: 'store-locked' });
      expect(second?.message).toContain(String(child.pid));
      expect(second?.remedy).toContain('systemctl stop');
      holdDaemonLock(folder).release();
    }));

  it('is exclusive within a process too, and free after release', () =>
    withFolder((folder) => {
      const lock = holdDaemonLock(folder);
      expect(refusal(folder).message).toContain(String(process.pid));
      lock.release();
      const again = holdDaemonLock(folder);
      expect(refusal(folder).code).toBe('store-locked');
      again.release();
    }));

  it('leaves the store to other commands', () =>
    withFolder((folder) => {
      const lock = holdDaemonLock(folder);
      const store = Store.open(folder);
      store.members.add({ id: 'a', name: 'A' });
      store.close();
      lock.release();
    }));

  it('gives the lock to one of many that ask at once', () =>
    withFolder(async (folder) => {
      const children = Array.from({ length: 4 }, () => startTask('lock', folder));
      let answers = 0;
      const lines = await Promise.all(
        children.map((child) =>
          linesOf(child, () => {
            answers += 1;
            if (answers === children.length) for (const each of children) each.kill('SIGKILL');
            return false;
          }),
        ),
      );
      expect(lines.flat().filter((line) => line === 'held')).toHaveLength(1);
      expect(lines.flat().filter((line) => line.includes('store-locked'))).toHaveLength(3);
    }));
});
