import type { Numbered, Reach } from './plan';
import type { Known } from './results';
import type { TrialProcess } from './trial-process';
import type { Job, Outcome } from './worker';

type Verdict = Pick<Known, 'status' | 'by' | 'test'>;
interface Wanted {
  readonly mutant: number;
  readonly reach: Reach;
}

/** Mutants that are tried in one loaded file: what a mutant that hangs makes undone is at most so much. */
const BATCH = 60;
/** Processor time of one test: several times what the slowest of its file takes without a mutant. */
const CPU_FACTOR = 5;
const CPU_LEAST_MS = 6000;

/**
 * Tries mutants test file by test file, the quickest first: all mutants that a file reaches and that still live, many of them in
 * one loaded file, those that are reached while it is loaded alone.
 */
export class Trials {
  private readonly byNumber: ReadonlyMap<number, Numbered>;
  private readonly files: readonly string[];
  private next = 0;

  constructor(
    chosen: readonly Numbered[],
    private readonly reach: readonly (readonly Reach[])[],
    private readonly dry: ReadonlyMap<string, Outcome>,
    private readonly settled: Map<number, Verdict>,
    private readonly note: (mutant: Numbered, verdict: Verdict) => void,
  ) {
    this.byNumber = new Map(chosen.map((mutant) => [mutant.number, mutant]));
    const time = (test: string): number => dry.get(test)?.tests.reduce((sum, { ms }) => sum + ms, 0) ?? 0;
    this.files = [...dry.keys()].sort((a, b) => time(a) - time(b));
  }

  async run(processes: readonly TrialProcess[], left: () => boolean, say: (line: string) => void): Promise<void> {
    for (const { number } of this.byNumber.values())
      if (this.reach[number]!.length === 0) this.settle(number, { status: 'unreached', by: null, test: null });
    await Promise.all(
      processes.map(async (process) => {
        while (this.next < this.files.length && left()) await this.file(this.files[this.next++]!, process, left, say);
      }),
    );
    if (!left()) return;
    for (const number of this.byNumber.keys())
      if (!this.settled.has(number)) this.settle(number, { status: 'survived', by: null, test: null });
  }

  private async file(
    test: string,
    process: TrialProcess,
    left: () => boolean,
    say: (line: string) => void,
  ): Promise<void> {
    const wanted = this.wantedIn(test);
    const alone = wanted.filter(({ reach }) => reach.only === null);
    let together = wanted.filter(({ reach }) => reach.only !== null);
    const slowest = Math.max(0, ...(this.dry.get(test)?.tests ?? []).map(({ ms }) => ms));
    const cpuMs = CPU_LEAST_MS + CPU_FACTOR * slowest;
    const tell = (open: number): void => {
      const killed = [...this.settled.values()].filter(
        ({ status }) => status === 'killed' || status === 'timeout',
      ).length;
      say(
        `${killed} of ${this.byNumber.size} killed; test file ${this.next} of ${this.files.length}: ${test}, ${open} to go`,
      );
    };
    while (together.length > 0 && left()) {
      tell(together.length + alone.length);
      const batch = together.slice(0, BATCH);
      const { killed, doubtful, outcome, ended, active } = await process.run(jobOf(test, 'batch', batch), cpuMs);
      for (const [mutant, by] of killed) this.settle(mutant, { status: 'killed', by: test, test: by });
      const stopped = outcome === null && active >= 0;
      if (stopped) this.settle(active, { status: ended === 'timeout' ? 'timeout' : 'killed', by: test, test: ended });
      // A file that does not get through with them is tried with each of them alone.
      const unclear = outcome === null ? !stopped : outcome.failed !== null;
      alone.push(...batch.filter(({ mutant }) => !this.settled.has(mutant) && (unclear || doubtful.has(mutant))));
      const undone = stopped ? batch.filter(({ mutant }) => !this.settled.has(mutant) && !doubtful.has(mutant)) : [];
      together = [...undone, ...together.slice(BATCH)];
    }
    for (const [done, one] of alone.entries()) {
      if (this.settled.has(one.mutant) || !left()) continue;
      tell(alone.length - done);
      const { killed, outcome, ended } = await process.run(jobOf(test, 'alone', [one]), cpuMs);
      const by = killed.get(one.mutant) ?? outcome?.failed?.test;
      if (outcome === null)
        this.settle(one.mutant, { status: ended === 'timeout' ? 'timeout' : 'killed', by: test, test: ended });
      else if (by !== undefined) this.settle(one.mutant, { status: 'killed', by: test, test: by });
    }
  }

  private wantedIn(test: string): Wanted[] {
    return [...this.byNumber.keys()].flatMap((mutant) => {
      const reach = this.settled.has(mutant) ? undefined : this.reach[mutant]!.find((each) => each.test === test);
      return reach === undefined ? [] : [{ mutant, reach }];
    });
  }

  private settle(number: number, verdict: Verdict): void {
    const mutant = this.byNumber.get(number);
    if (mutant === undefined || this.settled.has(number)) return;
    this.settled.set(number, verdict);
    this.note(mutant, verdict);
  }
}

function jobOf(test: string, kind: Job['kind'], wanted: readonly Wanted[]): Job {
  return { test, kind, trials: wanted.map(({ mutant, reach }) => ({ mutant, only: reach.only })) };
}
