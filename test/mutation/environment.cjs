// The environment of the suite, in which code under mutation can ask whether a mutant is the one to be tried. It writes down which
// test reached which mutant, runs only the tests that are asked for, and stops at the first failure.
const OuterRealmEnvironment = require('../support/outer-realm-environment.cjs');

// A bit for each mutant.
const numbersOf = (reached) => [...reached.keys()].filter((number) => reached[number] === 1);

const nameOf = (test) => {
  const names = [];
  for (let at = test; at.parent; at = at.parent) names.unshift(at.name);
  return names.join(' › ');
};

class MutationEnvironment extends OuterRealmEnvironment {
  constructor(config, context) {
    super(config, context);
    // Of the process that runs the tests: { active, reached, only, tests }
    const trial = globalThis.__trial;
    this.trial = trial;
    const { active } = trial;
    this.global.__mutant =
      active === -1
        ? (number) => {
            trial.reached[number] = 1;
            return false;
          }
        : (number) => number === active;
  }

  handleTestEvent(event) {
    const { trial } = this;
    if (event.name === 'test_start') {
      const name = nameOf(event.test);
      if (trial.failed !== null || (trial.only !== null && !trial.only.has(name))) event.test.mode = 'skip';
      trial.outside = trial.reached;
      trial.reached = new Uint8Array(trial.outside.length);
      trial.began = performance.now();
    }
    if (event.name === 'test_done' || event.name === 'test_skip') {
      const name = nameOf(event.test);
      const failed = (event.test.errors ?? []).length > 0;
      if (event.name === 'test_done') {
        trial.tests.push({ name, reached: numbersOf(trial.reached), ms: performance.now() - trial.began });
        if (failed && trial.failed === null)
          trial.failed = { test: name, why: String(event.test.errors[0]?.[0] ?? event.test.errors[0]) };
      }
      trial.reached = trial.outside;
    }
  }
}

module.exports = MutationEnvironment;
