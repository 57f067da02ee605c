// The environment of the suite, in which code under mutation can ask whether a mutant is the one to be tried.
//
// Without a mutant it writes down which test reaches which. With some, it runs for each of them the tests that reach it, one test after
// the other within one loaded file: to load a file takes longer than most of its tests. After the mutants of a test the test runs once
// more without any. If it fails then, a mutant has left something behind, and what failed before counts for nothing.
const { writeSync } = require('node:fs');
const OuterRealmEnvironment = require('../../support/outer-realm-environment.cjs');

// Of the process that runs the tests; see worker.ts.
const trial = () => globalThis.__trial;

// A byte for each mutant.
const numbersOf = (reached) => [...reached.keys()].filter((number) => reached[number] === 1);

const nameOf = (test) => {
  const names = [];
  for (let at = test; at.parent; at = at.parent) names.unshift(at.name);
  return names.join(' › ');
};

const NO_MUTANT = -1;

class MutationEnvironment extends OuterRealmEnvironment {
  constructor(config, context) {
    super(config, context);
    const { dry, everywhere } = trial();
    // A mutant that is reached while the file is loaded has to be there from the beginning.
    this.active = everywhere ?? NO_MUTANT;
    this.global.__mutant = dry
      ? (number) => {
          trial().reached[number] = 1;
          return false;
        }
      : (number) => number === this.active;
  }

  handleTestEvent(event, state) {
    if (event.name === 'run_start' && !trial().dry) this.arrange(state.rootDescribeBlock);
    else if (event.name === 'test_start') this.begin(event.test);
    else if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.fail(event);
    else if (event.name === 'test_done' || event.name === 'test_skip') this.finish(event);
  }

  // In place of each test, a copy for every mutant that it is wanted for, and one without a mutant.
  arrange(root) {
    const { wanted } = trial();
    const arranged = (block) => {
      block.children = block.children.flatMap((child) => {
        if (child.type === 'describeBlock') return arranged(child).children.length === 0 ? [] : [child];
        const mutants = wanted.get(nameOf(child)) ?? wanted.get('*') ?? [];
        if (mutants.length === 0 || child.mode === 'skip' || child.mode === 'todo') return [];
        return [...mutants, NO_MUTANT].map((mutant) => ({
          ...child,
          ...{ mutant, mutants, errors: [], retryReasons: [], unhandledRejectionErrorByPromise: new Map() },
        }));
      });
      return block;
    };
    arranged(root);
  }

  begin(test) {
    const { dry, killed, everywhere, mark } = trial();
    if (dry) {
      trial().outside = trial().reached;
      trial().reached = new Uint8Array(trial().outside.length);
      trial().began = performance.now();
      return;
    }
    const idle = everywhere !== null && test.mutant === NO_MUTANT;
    const settled =
      test.mutant === NO_MUTANT
        ? !test.mutants.some((each) => killed.get(each)?.test === nameOf(test))
        : killed.has(test.mutant);
    if (idle || settled) test.mode = 'skip';
    else this.active = test.mutant;
    writeSync(mark, Buffer.from(Int32Array.of(this.active, ++trial().step).buffer), 0, 8, 0);
  }

  fail({ test, error }) {
    if (trial().dry || test === undefined) {
      trial().failed ??= { test: test === undefined ? 'a hook' : nameOf(test), why: String(error?.message ?? error) };
      return;
    }
    const { killed, tell } = trial();
    const name = nameOf(test);
    if (test.mutant !== NO_MUTANT && !killed.has(test.mutant)) {
      killed.set(test.mutant, { test: name });
      tell({ mutant: test.mutant, test: name });
    }
    if (test.mutant === NO_MUTANT)
      for (const mutant of test.mutants)
        if (killed.get(mutant)?.test === name) {
          killed.delete(mutant);
          tell({ mutant, test: null });
        }
    // It has been noted; to make a readable text of it takes long.
    test.errors.length = 0;
  }

  finish({ name, test }) {
    if (!trial().dry) {
      this.active = trial().everywhere ?? NO_MUTANT;
      return;
    }
    const { reached, outside, began, tests } = trial();
    if (name === 'test_done')
      tests.push({ name: nameOf(test), reached: numbersOf(reached), ms: performance.now() - began });
    trial().reached = outside;
  }
}

module.exports = MutationEnvironment;
