import { play } from './play';
import { drawWorld } from './world';

/**
 * A few hundred random worlds in this process; `worlds.test.ts` plays 20,000 in one of their own. Here code under mutation testing is
 * reached.
 */
test('a sample of random worlds keeps to the rules', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const problem = play(drawWorld(seed));
    if (problem !== null) throw new Error(`seed ${seed}: ${problem}`);
  }
});
