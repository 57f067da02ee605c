import { type Numbered, type Plan, planOf, reachOf } from './plan';
import { DryRuns } from './dry-runs';
import { Results, type Verdict } from './results';
import { Trials } from './trials';
import { TrialProcess } from './trial-process';
import type { Outcome } from './worker';

export interface RunOptions {
  /** All that get mutants, so that what a test file reached is known for all of them. */
  readonly sources: readonly string[];
  /** Those of them that load no source with a chosen mutant are left out. */
  readonly tests: readonly string[];
  /** Where the files with mutants in them are written. */
  readonly folder: string;
  readonly workers: number;
  /** Wall time for all of it, minutes. */
  readonly minutes: number;
  /** Which mutants are tried. */
  readonly chosen: (mutant: Numbered) => boolean;
  /** Folder where results are kept for later runs. */
  readonly kept: string;
  /** Results of earlier runs count where what they rest on is unchanged. */
  readonly reuse: boolean;
  readonly progress: (line: string) => void;
  /** Hands over what ends the workers, for a run that is stopped from outside. */
  readonly onEnd: (cleanUp: () => void) => void;
}

export interface Judged {
  readonly mutant: Numbered;
  readonly known: Verdict;
}

export interface RunReport {
  readonly plan: Plan;
  readonly judged: readonly Judged[];
  /** Mutants for which the time did not suffice. */
  readonly untried: number;
  readonly reused: number;
  readonly minutes: number;
}

const DRY_CPU_MS = 180_000;
const SAY_EVERY_MS = 15_000;

export async function runMutants(options: RunOptions): Promise<RunReport> {
  const began = performance.now();
  const plan = planOf(options.sources, options.tests, options.folder);
  const count = plan.mutants.length;
  const processes = Array.from({ length: options.workers }, (_, i) => new TrialProcess(options.folder, count, i));
  options.onEnd(() => processes.forEach((each) => each.end()));
  const say = sayer(options.progress);
  try {
    const chosen = plan.mutants.filter(options.chosen);
    const results = new Results(plan, options.kept);
    const runs = new DryRuns(plan, options.kept);
    if (options.reuse) [results, runs].forEach((kept) => kept.load());
    const wanted = new Set(chosen.map(({ file }) => file));
    const tests = options.tests.filter((test) => runs.loaded(test, wanted).length > 0);
    const dry = await dryRuns(tests, wanted, runs, processes, (line) => {
      if (say(line)) runs.save();
    });
    runs.save();
    const reach = reachOf(count, dry);
    const settled = new Map<number, Verdict>();
    for (const mutant of chosen) {
      const known = results.find(mutant);
      if (known !== null) settled.set(mutant.number, known);
    }
    const reused = settled.size;
    say(`${chosen.length} mutants, ${reused} known from earlier runs, ${chosen.length - reused} to try`, true);
    const trials = new Trials(chosen, reach, dry, settled, results);
    const left = (): boolean => performance.now() - began < options.minutes * 60_000;
    await trials.run(processes, left, (line) => {
      if (say(line)) results.save();
    });
    results.save();
    const judged = chosen.flatMap((mutant) => {
      const known = settled.get(mutant.number);
      return known === undefined ? [] : [{ mutant, known }];
    });
    const minutes = Math.round((performance.now() - began) / 6000) / 10;
    return { plan, judged, untried: chosen.length - judged.length, reused, minutes };
  } finally {
    processes.forEach((each) => each.end());
  }
}

export function isKilled({ status }: Pick<Verdict, 'status'>): boolean {
  return status === 'killed' || status === 'timeout';
}

async function dryRuns(
  tests: readonly string[],
  sources: ReadonlySet<string>,
  kept: DryRuns,
  processes: readonly TrialProcess[],
  say: (line: string) => void,
): Promise<Map<string, Outcome>> {
  const runs = new Map<string, Outcome>();
  let next = 0;
  await Promise.all(
    processes.map(async (process) => {
      while (next < tests.length) {
        const test = tests[next++]!;
        const known = kept.find(test, sources);
        if (known !== null) {
          runs.set(test, known);
          continue;
        }
        // A machine that stood still can fail a test once.
        const first = await dryRun(test, process);
        const outcome = 'why' in first ? await dryRun(test, process) : first;
        if ('why' in outcome) throw new Error(`${test} fails without any mutant: ${outcome.why}`);
        runs.set(test, outcome);
        kept.note(test, outcome);
        say(`${runs.size} of ${tests.length} test files run without a mutant`);
      }
    }),
  );
  return runs;
}

/** What it reaches, or why it fails. */
async function dryRun(test: string, process: TrialProcess): Promise<Outcome | { readonly why: string }> {
  const { outcome, ended, said } = await process.run({ test, kind: 'dry', trials: [] }, DRY_CPU_MS);
  if (outcome === null) return { why: `${ended ?? ''}\n${said}` };
  return outcome.failed === null ? outcome : { why: `${outcome.failed.test}\n${outcome.failed.why}` };
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
