import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * The short form of `npm run torture:policy`, as a process of its own: in a test's realm each look at a global costs more than
 * the look-up does. A seed that fails is replayed by `npm run torture:policy -- 1 SEED`.
 */
const WORLDS = 5000;

test('in no random world is anybody let in against a rule, or kept out without one', () => {
  const preload = join(__dirname, '../../support/run-ts.cjs');
  const { status, stdout } = spawnSync(
    process.execPath,
    ['-r', preload, join(__dirname, 'torture.ts'), String(WORLDS)],
    { encoding: 'utf8' },
  );
  expect(`${status ?? 'killed'}: ${stdout}`).toContain(`0: `);
  expect(stdout).toContain(`${WORLDS} worlds`);
  const tally = new Map(
    [...stdout.matchAll(/^ {2}(.+): (\d+)$/gm)].map(([, what = '', count]) => [what, Number(count)]),
  );
  // Worlds in which nothing happens would prove nothing.
  for (const [what, least] of [
    ['granted match', 2500],
    ['granted card', 125],
    ['granted hold-open', 250],
    ['denied lockdown', 250],
    ['denied locked-out', 250],
    ['denied rate-limited', 75],
    ['denied policy-unknown', 75],
    ['denied clock-unknown', 125],
    ['denied not-yet-valid', 250],
    ['denied no-longer-valid', 250],
    ['denied no-right', 250],
    ['denied outside-schedule', 250],
    ['denied anti-passback', 250],
    ['denied zone-full', 75],
    ['denied second-person', 250],
    ['alarm duress', 125],
    ['alarm forced-door', 250],
    ['alarm held-open', 250],
    ['alarm lockout', 250],
  ] as const)
    expect(`${what} ${(tally.get(what) ?? 0) >= least ? 'often' : String(tally.get(what))}`).toBe(`${what} often`);
}, 600_000);
