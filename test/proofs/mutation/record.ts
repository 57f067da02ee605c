import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import { type Argued, argumentFor, keyOf, staleAmong } from './argued';
import { isKilled, type RunReport } from './run';
import { sha } from './sha';

/** What is asked of the share of killed mutants. */
export const REACH = 0.9;

export interface Survivor {
  readonly file: string;
  readonly line: number;
  readonly operator: string;
  readonly before: string;
  readonly after: string;
  /** No test comes by. */
  readonly unreached: boolean;
  /** Why it may live; null: nobody has argued. */
  readonly argued: string | null;
}

export interface FileTally {
  readonly file: string;
  readonly hash: string;
  readonly mutants: number;
  readonly killed: number;
  /** Of the killed ones, those that came to no end. */
  readonly timeouts: number;
  readonly argued: number;
}

/** What a run found, as it is kept in `test/proofs/mutation.json`. */
export interface MutationRecord {
  readonly date: string;
  readonly commit: string;
  readonly mutants: number;
  readonly killed: number;
  readonly argued: number;
  /** Mutants for which the time did not suffice: part of `mutants`, and counted as if they lived. */
  readonly untried: number;
  readonly minutes: number;
  readonly files: readonly FileTally[];
  readonly survivors: readonly Survivor[];
  /** Arguments about code that has changed since. */
  readonly stale: readonly Argued[];
  /** Arguments about mutants that the tests kill. */
  readonly needless: readonly Argued[];
}

const FILE = path.join(packageRoot(), 'test/proofs/mutation.json');

export function recordOf({ plan, judged, untried, minutes }: RunReport, argued: readonly Argued[]): MutationRecord {
  const reasons = new Map(argued.map((each) => [keyOf(each), each.reason]));
  const killedKeys = new Set(
    judged.filter(({ known }) => isKilled(known)).map(({ mutant }) => keyOf(argumentFor(mutant))),
  );
  const survivors = judged
    .filter(({ known }) => !isKilled(known))
    .map(({ mutant, known }) => ({
      file: mutant.file,
      line: mutant.line,
      operator: mutant.operator,
      before: mutant.before,
      after: mutant.after,
      unreached: known.status === 'unreached',
      argued: reasons.get(keyOf(argumentFor(mutant))) ?? null,
    }))
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  const files = [...new Set(judged.map(({ mutant }) => mutant.file))].sort().map((file) => {
    const here = judged.filter(({ mutant }) => mutant.file === file);
    return {
      file,
      hash: plan.hashes.get(file) ?? '',
      mutants: here.length,
      killed: here.filter(({ known }) => isKilled(known)).length,
      timeouts: here.filter(({ known }) => known.status === 'timeout').length,
      argued: survivors.filter((each) => each.file === file && each.argued !== null).length,
    };
  });
  const sum = (of: (tally: FileTally) => number): number => files.reduce((total, tally) => total + of(tally), 0);
  return {
    date: new Date().toISOString(),
    commit: commit(),
    mutants: judged.length + untried,
    untried,
    killed: sum(({ killed }) => killed),
    argued: sum(({ argued: count }) => count),
    minutes,
    files,
    survivors,
    stale: staleAmong(argued, plan.mutants),
    needless: argued.filter((each) => killedKeys.has(keyOf(each))),
  };
}

/** Mutants that were not tried count as if they lived. */
export function isReached({ killed, mutants }: MutationRecord): boolean {
  return killed >= REACH * mutants;
}

export function keep(record: MutationRecord): void {
  writeFileSync(FILE, `${JSON.stringify(record, null, 2)}\n`);
}

export function lastRecord(): MutationRecord {
  return JSON.parse(readFileSync(FILE, 'utf8')) as MutationRecord;
}

/** Files that are no longer those that the record is about. */
export function changedSince({ files }: MutationRecord): string[] {
  return files.filter(({ file, hash }) => hashNow(file) !== hash).map(({ file }) => file);
}

function hashNow(file: string): string | null {
  try {
    return sha(readFileSync(path.join(packageRoot(), file), 'utf8'));
  } catch {
    return null;
  }
}

/** The short name of the commit; with a `+` when the working tree holds changes beyond it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'test') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
