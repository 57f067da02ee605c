import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import { leashed } from '../../support/leash';
import type { Report } from './child';
import { mutate } from './mutate';
import { Draws } from './random';
import { DEFAULT_CPU_MS, DEFAULT_MEMORY_MIB, type Target } from './target';

export interface Finding {
  readonly kind: 'improper-error' | 'crash' | 'hang' | 'memory';
  readonly detail: string;
  /** Gives the input again: `inputOf(target, seed, ordinal)`. */
  readonly ordinal: number | null;
}

export interface Outcome {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly taken: number;
  readonly grownMiB: number;
  readonly peakMiB: number;
  readonly finding: Finding | null;
}

/** Held at the end beyond what was held after the warm-up. A leak of a kilobyte an input shows within seconds. */
const MAX_GROWTH_MIB = 48;
const LOOK_MS = 50;
/** Waiting without using the processor, for so long: a dead-lock. Generous, for machines that are busy with other things. */
const STILL_MS = 60_000;

export interface FuzzOptions {
  readonly seed: number;
  readonly ms: number;
  readonly from?: number;
  /** Inputs to feed even where the time is over. */
  readonly atLeast?: number;
}

/** Feeds a target for so long in a process of its own, which is watched from outside. */
export async function fuzz(target: Target, { seed, ms, from = 0, atLeast = 1 }: FuzzOptions): Promise<Outcome> {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-fuzzing-'));
  const mark = path.join(dir, 'mark');
  const args = ['--expose-gc', '--max-old-space-size=384', '-r', path.join(packageRoot(), 'test/support/run-ts.cjs')];
  const child = spawn(
    ...leashed(process.execPath, [
      ...args,
      path.join(packageRoot(), 'test/proofs/fuzz/child.ts'),
      target.name,
      String(seed),
      String(from),
      String(ms),
      String(atLeast),
      mark,
    ]),
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: dir } },
  );
  let said = '';
  let complained = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complained = (complained + chunk.toString()).slice(-4000)));
  const exit = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`)),
  );

  const watch = watching(child.pid ?? 0, target, mark);
  let finding: Finding | null = null;
  const timer = setInterval(() => {
    finding ??= watch.look();
    if (finding !== null) child.kill('SIGKILL');
  }, LOOK_MS);
  const ended = await exit;
  clearInterval(timer);
  const at = ordinalIn(mark);
  rmSync(dir, { recursive: true, force: true });

  const report = parsed(said);
  finding ??= judged(report, ended, complained, at);
  return {
    target: target.name,
    seed,
    inputs: report?.inputs ?? (at ?? from) - from,
    taken: report?.taken ?? 0,
    grownMiB: report === null ? NaN : report.heldMiB[1] - report.heldMiB[0],
    peakMiB: watch.peakMiB(),
    finding,
  };
}

/** The input of a finding. */
export async function inputOf(target: Target, seed: number, ordinal: number): Promise<Buffer> {
  return mutate(await target.seeds(), target.form, new Draws(seed, ordinal));
}

function judged(report: Report | null, ended: string, complained: string, at: number | null): Finding | null {
  if (report === null) return { kind: 'crash', detail: `${ended}\n${complained}`, ordinal: at };
  if (report.improper !== null)
    return { kind: 'improper-error', detail: report.improper.error, ordinal: report.improper.ordinal };
  const grown = report.heldMiB[1] - report.heldMiB[0];
  return grown > MAX_GROWTH_MIB
    ? { kind: 'memory', detail: `${grown.toFixed(1)} MiB more held than after the warm-up`, ordinal: null }
    : null;
}

function watching(pid: number, target: Target, mark: string) {
  const { cpuMs = DEFAULT_CPU_MS, memoryMiB = DEFAULT_MEMORY_MIB } = target;
  let ordinal: number | null = null;
  let since = { cpu: 0, wall: 0 };
  let peak = 0;
  let before = 0;
  const look = (): Finding | null => {
    const usage = usageOf(pid);
    if (usage === null) return null;
    peak = Math.max(peak, usage.memoryMiB);
    const now = ordinalIn(mark);
    // What loading the code took, a compiler among it, is no input's fault.
    if (now === null) before = peak;
    else if (usage.memoryMiB > before + memoryMiB)
      return {
        kind: 'memory',
        detail: `${usage.memoryMiB.toFixed(0)} MiB resident, at most ${memoryMiB} more than the ${before.toFixed(0)} before`,
        ordinal,
      };
    if (now === null || now !== ordinal) {
      ordinal = now;
      since = { cpu: usage.cpuMs, wall: performance.now() };
      return null;
    }
    // Time of the processor and not of the wall: a machine that is busy elsewhere is no hang.
    const cpu = usage.cpuMs - since.cpu;
    if (cpu > cpuMs) return { kind: 'hang', detail: `${cpu} ms of processor time for one input`, ordinal };
    if (performance.now() - since.wall > STILL_MS && cpu < 100)
      return { kind: 'hang', detail: 'it waits for ever', ordinal };
    return null;
  };
  return { look, peakMiB: () => peak };
}

/** Of a process on Linux; ticks are 10 ms, pages 4 KiB or as the kernel tells in kB. */
function usageOf(pid: number): { cpuMs: number; memoryMiB: number } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, memoryMiB: Number(resident) / 1024 };
  } catch {
    return null;
  }
}

function ordinalIn(mark: string): number | null {
  if (!existsSync(mark)) return null;
  const bytes = readFileSync(mark);
  const ordinal = bytes.length === 8 ? bytes.readDoubleLE(0) : NaN;
  return Number.isNaN(ordinal) ? null : ordinal;
}

function parsed(said: string): Report | null {
  try {
    return JSON.parse(said) as Report;
  } catch {
    return null;
  }
}
