import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import { instrument, type Mutant } from './instrument';
import { sha } from './sha';
import type { Outcome } from './worker';

export interface Numbered extends Mutant {
  readonly number: number;
  readonly file: string;
  /** Of those in one declaration that read the same: 0 the first. */
  readonly nth: number;
}

export interface Plan {
  readonly mutants: readonly Numbered[];
  /** Of each source and test file. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Numbers the mutants of all sources, and writes the files that hold them into the folder. */
export function planOf(sources: readonly string[], tests: readonly string[], folder: string): Plan {
  const root = packageRoot();
  const mutants: Numbered[] = [];
  const hashes = new Map<string, string>();
  for (const file of sources) {
    const text = readFileSync(path.join(root, file), 'utf8');
    hashes.set(file, sha(text));
    const { text: instrumented, mutants: found } = instrument(file, text, mutants.length);
    const alike = new Map<string, number>();
    for (const mutant of found) {
      const reads = [mutant.around, mutant.operator, mutant.before, mutant.after].join('\0');
      const nth = alike.get(reads) ?? 0;
      alike.set(reads, nth + 1);
      mutants.push({ ...mutant, file, nth, number: mutants.length });
    }
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), instrumented);
  }
  for (const file of tests) hashes.set(file, sha(readFileSync(path.join(root, file), 'utf8')));
  return { mutants, hashes };
}

/** Tests of one file that reach a mutant; null: all of them, for it is reached before the first. */
export interface Reach {
  readonly test: string;
  readonly only: readonly string[] | null;
  readonly ms: number;
}

/** By mutant: what reaches it, the quickest first. */
export function reachOf(count: number, runs: ReadonlyMap<string, Outcome>): readonly (readonly Reach[])[] {
  const reach: Reach[][] = Array.from({ length: count }, () => []);
  for (const [test, { outside, tests }] of runs) {
    const all = tests.reduce((sum, { ms }) => sum + ms, 0);
    const early = new Set(outside);
    for (const number of early) reach[number]?.push({ test, only: null, ms: all });
    const within = new Map<number, { only: string[]; ms: number }>();
    for (const { name, reached, ms } of tests)
      for (const number of reached) {
        if (early.has(number)) continue;
        const known = within.get(number) ?? { only: [], ms: 0 };
        within.set(number, { only: [...known.only, name], ms: known.ms + ms });
      }
    for (const [number, { only, ms }] of within) reach[number]?.push({ test, only, ms });
  }
  for (const each of reach) each.sort((a, b) => a.ms - b.ms);
  return reach;
}
