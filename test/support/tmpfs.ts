import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a test may mount a file system of its own, to fill it: as root, in a container that allows it. */
export const canMount = ((): boolean => {
  try {
    if (process.getuid?.() !== 0) return false;
    const probe = join(tmpdir(), `usher-mount-probe-${process.pid}`);
    mkdirSync(probe);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    execFileSync('rmdir', [probe]);
    return true;
  } catch {
    return false;
  }
})();
