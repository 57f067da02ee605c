import { existsSync } from 'node:fs';

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file));

/**
 * A command whose process the kernel ends together with ours, however ours ends (PR_SET_PDEATHSIG, by util-linux's setpriv, which
 * keeps the process id). Without setpriv the command is unchanged, and a test that is killed may leave the process behind.
 */
export function leashed(program: string, args: readonly string[]): [program: string, args: string[]] {
  if (SETPRIV === undefined) return [program, [...args]];
  return [SETPRIV, ['--pdeathsig', 'KILL', program, ...args]];
}
