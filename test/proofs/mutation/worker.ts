import { openSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from 'jest-config';
import TestRunner from 'jest-runner';
import Runtime from 'jest-runtime';

/** Runs test files with this or that mutant in the code: a process of its own, for a mutant may never come to an end. */

export interface Job {
  /** Below the root of the package. */
  readonly test: string;
  /** `dry`: without a mutant, to see what each test reaches. `batch`: many, in one loaded file. `alone`: one, from the beginning. */
  readonly kind: 'dry' | 'batch' | 'alone';
  /** Each with the tests that are run for it; null: all. */
  readonly trials: readonly { readonly mutant: number; readonly only: readonly string[] | null }[];
}

export interface TestRun {
  readonly name: string;
  /** Mutants that it reached. */
  readonly reached: readonly number[];
  readonly ms: number;
}

/** As it happens: a mutant is killed by a test, or (null) was not after all, for the test fails without it, too. */
export interface Verdict {
  readonly mutant: number;
  readonly test: string | null;
}

export interface Outcome {
  /** The file could not be loaded, or a hook for several tests failed. */
  readonly failed: { readonly test: string; readonly why: string } | null;
  /** Of a dry run: mutants that were reached while the file was loaded, or in hooks for several tests. */
  readonly outside: readonly number[];
  readonly tests: readonly TestRun[];
  readonly memoryMiB: number;
}

/** What environment.cjs reads and writes. */
interface Trial {
  dry: boolean;
  everywhere: number | null;
  wanted: Map<string, number[]>;
  killed: Map<number, { test: string }>;
  reached: Uint8Array;
  tests: TestRun[];
  failed: Outcome['failed'];
  step: number;
  /** File descriptor: which mutant is being tried. */
  readonly mark: number;
  readonly tell: (verdict: Verdict) => void;
}

/** Of a single test. Those that wait for something that a mutant keeps from coming end so. */
const TEST_TIMEOUT_MS = 10_000;

async function main(root: string, instrumented: string, mutants: number, mark: string): Promise<void> {
  const here = (name: string): string => path.join(__dirname, name);
  const argv = { $0: 'mutation', _: [], runInBand: true, ci: true } as unknown as Parameters<typeof readConfig>[0];
  const { globalConfig, projectConfig } = await readConfig(argv, root);
  const transform = projectConfig.transform.map(([pattern, , options]): (typeof projectConfig.transform)[number] => [
    pattern,
    here('transform.cjs'),
    { ...options, folder: instrumented, root },
  ]);
  const config = {
    ...projectConfig,
    testEnvironment: here('environment.cjs'),
    setupFilesAfterEnv: [...projectConfig.setupFilesAfterEnv, here('setup.cjs')],
    transform,
  };
  const context = await Runtime.createContext(config, { console, maxWorkers: 1, watch: false, watchman: false });
  const trial: Trial = {
    ...{ dry: true, everywhere: null, wanted: new Map(), killed: new Map(), reached: new Uint8Array(0) },
    ...{ tests: [], failed: null, step: 0, mark: openSync(mark, 'w') },
    tell: (verdict) => void process.send?.({ verdict }),
  };
  (globalThis as { __trial?: Trial }).__trial = trial;
  const never = { isInterrupted: () => false, isWatchMode: () => false };

  const run = async ({ test, kind, trials }: Job): Promise<Outcome> => {
    trial.dry = kind === 'dry';
    trial.everywhere = kind === 'alone' ? (trials[0]?.mutant ?? null) : null;
    trial.wanted = wantedIn(trials);
    trial.killed = new Map();
    trial.reached = new Uint8Array(mutants);
    trial.tests = [];
    trial.failed = null;
    const runner = new TestRunner({ ...globalConfig, testTimeout: TEST_TIMEOUT_MS, silent: true }, {});
    let failure: Outcome['failed'] = null;
    runner.on('test-file-failure', ([, error]) => void (failure = { test, why: error.message }));
    runner.on('test-file-success', ([, result]) => {
      if (result.testExecError !== undefined) failure = { test, why: result.testExecError.message };
      else if (result.numFailingTests > 0) failure = { test, why: result.failureMessage ?? '' };
    });
    const tests = [{ context, path: path.join(root, test) }] as unknown as Parameters<typeof runner.runTests>[0];
    await runner.runTests(tests, never as unknown as Parameters<typeof runner.runTests>[1], { serial: true });
    return {
      failed: failureOf(trial) ?? failure,
      outside: [...trial.reached.keys()].filter((number) => trial.reached[number] === 1),
      tests: trial.tests,
      memoryMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  };
  process.on('message', (job: Job) => {
    run(job).then(
      (outcome) => process.send?.({ outcome }),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
        process.exit(70);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

function failureOf({ failed }: Trial): Outcome['failed'] {
  return failed;
}

/** By the name of a test (`*`: every test): the mutants that it is run for. */
function wantedIn(trials: Job['trials']): Map<string, number[]> {
  const wanted = new Map<string, number[]>();
  for (const { mutant, only } of trials)
    for (const name of only ?? ['*']) wanted.set(name, [...(wanted.get(name) ?? []), mutant]);
  return wanted;
}

void main(String(process.argv[2]), String(process.argv[3]), Number(process.argv[4]), String(process.argv[5]));
