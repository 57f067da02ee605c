import path from 'node:path';
import { readConfig } from 'jest-config';
import TestRunner from 'jest-runner';
import Runtime from 'jest-runtime';

/** Runs one test file, again and again, with this or that mutant: a process of its own, for a mutant may never come to an end. */

export interface Job {
  /** Below the root of the package. */
  readonly test: string;
  /** The mutant that is tried; -1: none. */
  readonly mutant: number;
  /** Names of the tests that are run; null: all. */
  readonly only: readonly string[] | null;
}

export interface TestRun {
  readonly name: string;
  /** Mutants that it reached. */
  readonly reached: readonly number[];
  readonly ms: number;
}

export interface Outcome {
  readonly failed: { readonly test: string; readonly why: string } | null;
  /** Mutants that were reached while the file was loaded, or in hooks for all tests. */
  readonly outside: readonly number[];
  readonly tests: readonly TestRun[];
  readonly memoryMiB: number;
}

interface Trial {
  active: number;
  only: ReadonlySet<string> | null;
  reached: Uint8Array;
  outside: Uint8Array;
  tests: TestRun[];
  failed: Outcome['failed'];
}

/** Of a single test. Those that wait for something that a mutant keeps from coming end so. */
const TEST_TIMEOUT_MS = 20_000;

async function main(root: string, instrumented: string, mutants: number): Promise<void> {
  const here = (name: string): string => path.join(__dirname, name);
  const { globalConfig, projectConfig } = await readConfig({ $0: 'mutation', _: [], runInBand: true, ci: true }, root);
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
  const nothing = new Uint8Array(0);
  const trial: Trial = { active: -1, only: null, reached: nothing, outside: nothing, tests: [], failed: null };
  (globalThis as { __trial?: Trial }).__trial = trial;
  const never = { isInterrupted: () => false, isWatchMode: () => false };

  const run = async ({ test, mutant, only }: Job): Promise<Outcome> => {
    Object.assign(trial, { active: mutant, only: only === null ? null : new Set(only), failed: null });
    Object.assign(trial, { reached: new Uint8Array(mutants), tests: [] });
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
      failed: trial.failed ?? failure,
      outside: [...trial.reached.keys()].filter((number) => trial.reached[number] === 1),
      tests: trial.tests,
      memoryMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  };
  process.on('message', (job: Job) => {
    run(job).then(
      (outcome) => process.send?.(outcome),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
        process.exit(70);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

void main(String(process.argv[2]), String(process.argv[3]), Number(process.argv[4]));
