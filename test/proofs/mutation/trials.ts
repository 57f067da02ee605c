import type { Numbered, Reach } from './plan';
import type { Results, Status, Verdict } from './results';
import type { TrialProcess } from './trial-process';
import type { Job, Outcome } from './worker';

interface Wanted {
  readonly mutant: number;
  readonly reach: Reach;
  /** All tests of the file that reach it are run. */
  readonly whole: boolean;
}

/** Mutants that are tried in one loaded file: what a mutant that hangs makes undone is at most so much. */
const BATCH = 60;
/** Processor time of one test: several times what the slowest of its file takes without a mutant. */
const CPU_FACTOR = 5;
const CPU_LEAST_MS = 6000;

/**
 * Tries mutants test file by test file, the quickest first: all mutants that a file reaches and that still live, many of them in
 * one loaded file, those that are reached while it is loaded alone. Before that, each mutant that an earlier run killed is tried
 * with the one test that killed it.
 */
export class Trials {
  private readonly byNumber: ReadonlyMap<number, Numbered>;
  private readonly files: readonly string[];

  constructor(
    chosen: readonly Numbered[],
    private readonly reach: readonly (readonly Reach[])[],
    private readonly dry: ReadonlyMap<string, Outcome>,
    private readonly settled: Map<number, Verdict>,
    private readonly results: Results,
  ) {
    this.byNumber = new Map(chosen.map((mutant) => [mutant.number, mutant]));
    const time = (test: string): number => dry.get(test)?.tests.reduce((sum, { ms }) => sum + ms, 0) ?? 0;
    this.files = [...dry.keys()].sort((a, b) => time(a) - time(b));
  }

  async run(processes: readonly TrialProcess[], left: () => boolean, say: (line: string) => void): Promise<void> {
    for (const { number } of this.byNumber.values())
      if (this.reach[number]!.length === 0) this.settle(number, 'unreached');
    for (const wantedIn of [this.hintedIn, this.wantedIn]) {
      let next = 0;
      await Promise.all(
        processes.map(async (process) => {
          while (next < this.files.length && left()) {
            const test = this.files[next++]!;
            const where = `test file ${next} of ${this.files.length}: ${test}`;
            await this.file(test, wantedIn(test), process, left, (open) => this.tell(say, where, open));
          }
        }),
      );
    }
    for (const mutant of this.byNumber.values())
      if (this.reach[mutant.number]!.every(({ test }) => this.results.survived(mutant, test)))
        this.settle(mutant.number, 'survived');
  }

  private tell(say: (line: string) => void, where: string, open: number): void {
    const killed = [...this.settled.values()].filter(
      ({ status }) => status === 'killed' || status === 'timeout',
    ).length;
    say(`${killed} of ${this.byNumber.size} killed; ${where}, ${open} to go`);
  }

  private async file(
    test: string,
    wanted: readonly Wanted[],
    process: TrialProcess,
    left: () => boolean,
    tell: (open: number) => void,
  ): Promise<void> {
    const alone = wanted.filter(({ reach }) => reach.only === null);
    let together = wanted.filter(({ reach }) => reach.only !== null);
    const slowest = Math.max(0, ...(this.dry.get(test)?.tests ?? []).map(({ ms }) => ms));
    const cpuMs = CPU_LEAST_MS + CPU_FACTOR * slowest;
    while (together.length > 0 && left()) {
      tell(together.length + alone.length);
      const batch = together.slice(0, BATCH);
      const { killed, doubtful, outcome, ended, active } = await process.run(jobOf(test, 'batch', batch), cpuMs);
      for (const [mutant, by] of killed) this.settle(mutant, 'killed', test, by);
      const stopped = outcome === null && active >= 0;
      if (stopped) this.settle(active, ended === 'timeout' ? 'timeout' : 'killed', test, ended);
      // A file that does not get through with them is tried with each of them alone.
      const unclear = outcome === null ? !stopped : outcome.failed !== null;
      alone.push(...batch.filter(({ mutant }) => !this.settled.has(mutant) && (unclear || doubtful.has(mutant))));
      const undone = stopped ? batch.filter(({ mutant }) => !this.settled.has(mutant) && !doubtful.has(mutant)) : [];
      together = [...undone, ...together.slice(BATCH)];
      if (outcome !== null && !unclear) for (const one of batch) if (!doubtful.has(one.mutant)) this.survive(one, test);
    }
    for (const [done, one] of alone.entries()) {
      if (this.settled.has(one.mutant) || !left()) continue;
      tell(alone.length - done);
      const { killed, outcome, ended } = await process.run(jobOf(test, 'alone', [one]), cpuMs);
      const by = killed.get(one.mutant) ?? outcome?.failed?.test;
      if (outcome === null) this.settle(one.mutant, ended === 'timeout' ? 'timeout' : 'killed', test, ended);
      else if (by !== undefined) this.settle(one.mutant, 'killed', test, by);
      else this.survive(one, test);
    }
  }

  /** What lives and is reached, and has not survived this test file before. */
  private readonly wantedIn = (test: string): Wanted[] =>
    this.open().flatMap((mutant) => {
      const reach = this.reach[mutant.number]!.find((each) => each.test === test);
      if (reach === undefined || this.results.survived(mutant, test)) return [];
      return [{ mutant: mutant.number, reach, whole: true }];
    });

  /** What this test file killed before something changed: with the test that did. */
  private readonly hintedIn = (test: string): Wanted[] =>
    this.open().flatMap((mutant): Wanted[] => {
      const hint = this.results.hint(mutant);
      const reach = this.reach[mutant.number]!.find((each) => each.test === test);
      if (hint?.by !== test || reach === undefined) return [];
      const named = reach.only?.find((name) => name === hint.test);
      if (named === undefined) return [{ mutant: mutant.number, reach, whole: true }];
      return [{ mutant: mutant.number, reach: { ...reach, only: [named] }, whole: reach.only?.length === 1 }];
    });

  private open(): Numbered[] {
    return [...this.byNumber.values()].filter(({ number }) => !this.settled.has(number));
  }

  private settle(number: number, status: Status, by: string | null = null, test: string | null = null): void {
    const mutant = this.byNumber.get(number);
    if (mutant === undefined || this.settled.has(number)) return;
    this.settled.set(number, { status, by, test });
    if (by !== null && (status === 'killed' || status === 'timeout')) this.results.noteKill(mutant, status, by, test);
  }

  private survive({ mutant, whole }: Wanted, test: string): void {
    if (whole && !this.settled.has(mutant)) this.results.noteSurvival(this.byNumber.get(mutant)!, test);
  }
}

function jobOf(test: string, kind: Job['kind'], wanted: readonly Wanted[]): Job {
  return { test, kind, trials: wanted.map(({ mutant, reach }) => ({ mutant, only: reach.only })) };
}
