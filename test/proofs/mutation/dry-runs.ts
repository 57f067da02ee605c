import { readKept, writeKept } from './kept';
import { ImportGraph } from './import-graph';
import type { Plan } from './plan';
import type { Outcome } from './worker';

/** By source: the indices of its mutants. */
type Reached = Readonly<Record<string, readonly number[]>>;

/** What one test file reached when it ran without a mutant. */
interface Kept {
  readonly hash: string;
  /** The sources with mutants that it loads, with their hashes. */
  readonly sources: Readonly<Record<string, string>>;
  readonly outside: Reached;
  readonly tests: readonly { readonly name: string; readonly ms: number; readonly reached: Reached }[];
}

const NAME = 'dry-runs';

/** Dry runs of earlier times: each holds as long as the test file and the sources asked about are unchanged. */
export class DryRuns {
  private kept: Readonly<Record<string, Kept>> = {};
  /** By this run. */
  private readonly noted: Record<string, Kept> = {};
  private readonly graph = new ImportGraph();
  /** By source: the number of its first mutant. */
  private readonly first = new Map<string, number>();

  constructor(
    private readonly plan: Plan,
    /** Where they are kept. */
    private readonly folder: string,
  ) {
    for (const { file, number } of plan.mutants) if (!this.first.has(file)) this.first.set(file, number);
  }

  load(): void {
    this.kept = (readKept(this.folder, NAME) ?? {}) as Record<string, Kept>;
  }

  save(): void {
    writeKept(this.folder, NAME, { ...(readKept(this.folder, NAME) as Record<string, Kept> | null), ...this.noted });
  }

  /** Those of the sources that the test file loads. */
  loaded(test: string, sources: ReadonlySet<string>): string[] {
    return [...this.graph.loadedBy(test)].filter((file) => sources.has(file));
  }

  find(test: string, sources: ReadonlySet<string>): Outcome | null {
    const kept = this.noted[test] ?? this.kept[test];
    if (kept?.hash !== this.plan.hashes.get(test)) return null;
    if (this.loaded(test, sources).some((file) => kept?.sources[file] !== this.plan.hashes.get(file))) return null;
    const tests = kept!.tests.map(({ name, ms, reached }) => ({ name, ms, reached: this.numbers(reached, kept!) }));
    return { failed: null, outside: this.numbers(kept!.outside, kept!), tests, memoryMiB: 0 };
  }

  note(test: string, { outside, tests }: Outcome): void {
    const sources = this.loaded(test, new Set(this.first.keys()));
    this.noted[test] = {
      hash: this.plan.hashes.get(test) ?? '',
      sources: Object.fromEntries(sources.map((file) => [file, this.plan.hashes.get(file) ?? ''])),
      outside: this.indices(outside),
      tests: tests.map(({ name, ms, reached }) => ({ name, ms: Math.round(ms), reached: this.indices(reached) })),
    };
  }

  private indices(numbers: readonly number[]): Reached {
    const reached: Record<string, number[]> = {};
    for (const number of numbers) {
      const { file, index } = this.plan.mutants[number]!;
      (reached[file] ??= []).push(index);
    }
    return reached;
  }

  private numbers(reached: Reached, { sources }: Kept): number[] {
    return Object.entries(reached).flatMap(([file, indices]) => {
      const first = this.first.get(file);
      if (first === undefined || sources[file] !== this.plan.hashes.get(file)) return [];
      return indices.map((index) => first + index);
    });
  }
}
