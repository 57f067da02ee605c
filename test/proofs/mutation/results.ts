import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';
import type { Numbered, Plan, Reach } from './plan';
import { sha } from './sha';

/** `unreached`: no test comes by; it survives without a trial. */
export type Status = 'killed' | 'timeout' | 'survived' | 'unreached';

export interface Known {
  readonly status: Status;
  /** The test file that killed it, and the test. */
  readonly by: string | null;
  readonly test: string | null;
  /** Of the killing test file, or of all that reach it: what the result rests on. */
  readonly rests: string;
}

const FILE = path.join(packageRoot(), 'node_modules/.cache/usher-mutation/results.json');

/** Results of earlier runs: they hold as long as neither the file nor the tests that they rest on have changed. */
export class Results {
  private known: Record<string, Known> = {};

  constructor(private readonly plan: Plan) {}

  load(): void {
    try {
      this.known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Known>;
    } catch {
      // The first run.
    }
  }

  save(): void {
    mkdirSync(path.dirname(FILE), { recursive: true });
    writeFileSync(`${FILE}.draft`, JSON.stringify(this.known));
    renameSync(`${FILE}.draft`, FILE);
  }

  find(mutant: Numbered, reach: readonly Reach[]): Known | null {
    const known = this.known[this.keyOf(mutant)];
    if (known === undefined) return null;
    return known.rests === this.ground(known.by, reach) ? known : null;
  }

  note(mutant: Numbered, reach: readonly Reach[], result: Omit<Known, 'rests'>): void {
    this.known[this.keyOf(mutant)] = { ...result, rests: this.ground(result.by, reach) };
  }

  private keyOf({ file, index }: Numbered): string {
    return `${file}:${this.plan.hashes.get(file) ?? ''}:${index}`;
  }

  private ground(by: string | null, reach: readonly Reach[]): string {
    const { hashes } = this.plan;
    if (by !== null) return hashes.get(by) ?? '';
    return sha(
      reach
        .map(({ test }) => `${test}:${hashes.get(test) ?? ''}`)
        .sort()
        .join(),
    );
  }
}
