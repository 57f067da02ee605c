import type { Numbered, Plan, Reach } from './plan';
import { planOf, reachOf } from './plan';
import { type Known, Results } from './results';
import { TrialProcess } from './trial-process';
import type { Outcome } from './worker';

export interface RunOptions {
  readonly sources: readonly string[];
  readonly tests: readonly string[];
  /** Where the files with mutants in them are written. */
  readonly folder: string;
  readonly workers: number;
  /** Wall time for all of it, minutes. */
  readonly minutes: number;
  /** Which mutants are tried. */
  readonly chosen: (mutant: Numbered) => boolean;
  /** Results are kept for later runs. */
  readonly keep: boolean;
  /** Results of earlier runs count where what they rest on is unchanged. */
  readonly reuse: boolean;
  readonly progress: (line: string) => void;
  /** Hands over what ends the workers, for a run that is stopped from outside. */
  readonly onEnd: (cleanUp: () => void) => void;
}

export interface Judged {
  readonly mutant: Numbered;
  readonly known: Known;
}

export interface RunReport {
  readonly plan: Plan;
  readonly judged: readonly Judged[];
  /** Mutants for which the time did not suffice. */
  readonly untried: number;
  readonly reused: number;
  readonly minutes: number;
}

/** Processor time of a job: several times what it takes without a mutant, for more code is run where a test goes on for longer. */
const CPU_FACTOR = 5;
const CPU_LEAST_MS = 6000;
const DRY_CPU_MS = 180_000;
const SAY_EVERY_MS = 15_000;

export async function runMutants(options: RunOptions): Promise<RunReport> {
  const began = performance.now();
  const plan = planOf(options.sources, options.tests, options.folder);
  const count = plan.mutants.length;
  const processes = Array.from({ length: options.workers }, () => new TrialProcess(options.folder, count));
  options.onEnd(() => processes.forEach((each) => each.end()));
  const say = sayer(options.progress);
  try {
    const dry = await dryRuns(options.tests, processes, say);
    const reach = reachOf(count, dry);
    const results = new Results(plan);
    if (options.reuse) results.load();
    const save = (): void => {
      if (options.keep) results.save();
    };
    const chosen = plan.mutants.filter(options.chosen);
    const judged: Judged[] = [];
    const open: Numbered[] = [];
    for (const mutant of chosen) {
      const known = results.find(mutant, reach[mutant.number]!);
      if (known === null) open.push(mutant);
      else judged.push({ mutant, known });
    }
    const reused = judged.length;
    say(`${count} mutants, ${reused} known from earlier runs, ${open.length} to try`, true);
    const deadline = began + options.minutes * 60_000;
    let next = 0;
    await Promise.all(
      processes.map(async (process) => {
        while (next < open.length && performance.now() < deadline) {
          const mutant = open[next++]!;
          const known = await judge(mutant, reach[mutant.number]!, process);
          results.note(mutant, reach[mutant.number]!, known);
          judged.push({ mutant, known: { ...known, rests: '' } });
          const survived = judged.filter((each) => !isKilled(each.known)).length;
          const left = ((performance.now() - began) / next) * (open.length - next);
          if (say(`${judged.length} of ${chosen.length} judged, ${survived} survived, ${minutesOf(left)} min left`))
            results.save();
        }
      }),
    );
    save();
    return {
      plan,
      judged,
      untried: chosen.length - judged.length,
      reused,
      minutes: minutesOf(performance.now() - began),
    };
  } finally {
    processes.forEach((each) => each.end());
  }
}

export function isKilled({ status }: Pick<Known, 'status'>): boolean {
  return status === 'killed' || status === 'timeout';
}

async function dryRuns(
  tests: readonly string[],
  processes: readonly TrialProcess[],
  say: (line: string) => void,
): Promise<Map<string, Outcome>> {
  const runs = new Map<string, Outcome>();
  let next = 0;
  await Promise.all(
    processes.map(async (process) => {
      while (next < tests.length) {
        const test = tests[next++]!;
        // A machine that stood still can fail a test once.
        const first = await dryRun(test, process);
        const outcome = 'why' in first ? await dryRun(test, process) : first;
        if ('why' in outcome) throw new Error(`${test} fails without any mutant: ${outcome.why}`);
        runs.set(test, outcome);
        say(`${runs.size} of ${tests.length} test files run without a mutant`);
      }
    }),
  );
  return runs;
}

/** What it reaches, or why it fails. */
async function dryRun(test: string, process: TrialProcess): Promise<Outcome | { readonly why: string }> {
  const result = await process.run({ test, mutant: -1, only: null }, DRY_CPU_MS);
  if (!('outcome' in result)) return { why: `${result.ended}\n${result.said}` };
  const { outcome } = result;
  return outcome.failed === null ? outcome : { why: `${outcome.failed.test}\n${outcome.failed.why}` };
}

async function judge(mutant: Numbered, reach: readonly Reach[], process: TrialProcess): Promise<Omit<Known, 'rests'>> {
  if (reach.length === 0) return { status: 'unreached', by: null, test: null };
  for (const { test, only, ms } of reach) {
    const result = await process.run({ test, mutant: mutant.number, only }, CPU_LEAST_MS + CPU_FACTOR * ms);
    if (!('outcome' in result))
      return { status: result.ended === 'crash' ? 'killed' : 'timeout', by: test, test: result.ended };
    const { failed } = result.outcome;
    if (failed !== null) return { status: 'killed', by: test, test: failed.test };
  }
  return { status: 'survived', by: null, test: null };
}

/** Lines now and then. @returns whether this one was said */
function sayer(progress: (line: string) => void): (line: string, now?: boolean) => boolean {
  let last = -Infinity;
  return (line, now = false) => {
    if (!now && performance.now() - last < SAY_EVERY_MS) return false;
    last = performance.now();
    progress(line);
    return true;
  };
}

function minutesOf(ms: number): number {
  return Math.round(ms / 6000) / 10;
}
