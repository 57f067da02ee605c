import { readdirSync, readFileSync } from 'node:fs';

/** Memory and CPU time of one process, from Linux. */
export interface ProcessSample {
  /** Resident, MB (10⁶ bytes): counts the pages of shared libraries in every process that maps them. */
  readonly rssMb: number;
  /**
   * Proportional set size: shared pages are divided among the processes that map them. Null if the kernel does not
   * report it.
   */
  readonly pssMb: number | null;
  readonly fileDescriptors: number;
}

const KB_PER_MB = 1000 / 1.024;

/** Null if the process is gone. */
export function sampleProcess(pid: number): ProcessSample | null {
  try {
    const rss = kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
    if (rss === null) return null;
    return {
      rssMb: rss / KB_PER_MB,
      pssMb: proportionalMb(pid),
      fileDescriptors: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return null;
  }
}

/** Processes below `pid` by the name of their program (15 characters at most), grandchildren too. */
export function descendants(
  pid: number,
): { readonly pid: number; readonly parent: number; readonly program: string }[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => statOf(Number(entry)))
    .filter((stat) => stat !== null);
  const below = (parent: number): typeof all =>
    all.filter((stat) => stat.parent === parent).flatMap((stat) => [stat, ...below(stat.pid)]);
  return below(pid);
}

function statOf(pid: number): { pid: number; parent: number; program: string } | null {
  try {
    const [, program, state, parent] =
      /^\d+ \((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    if (program === undefined || state === 'Z') return null;
    return { pid, parent: Number(parent), program };
  } catch {
    // It ended meanwhile.
    return null;
  }
}

function proportionalMb(pid: number): number | null {
  try {
    const pss = kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss');
    return pss === null ? null : pss / KB_PER_MB;
  } catch {
    return null;
  }
}

function kilobytes(text: string, key: string): number | null {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value);
}
