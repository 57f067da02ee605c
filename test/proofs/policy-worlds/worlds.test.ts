import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * The short form of `npm run torture:policy`, as a process of its own: in a test's realm each look at a global costs more than
 * the look-up does. A seed that fails is replayed by `npm run torture:policy -- 1 SEED`.
 */
const WORLDS = 20_000;

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
    ['granted match', 10_000],
    ['granted card', 500],
    ['granted hold-open', 1000],
    ['denied lockdown', 1000],
    ['denied locked-out', 1000],
    ['denied rate-limited', 300],
    ['denied policy-unknown', 300],
    ['denied clock-unknown', 500],
    ['denied not-yet-valid', 1000],
    ['denied no-longer-valid', 1000],
    ['denied no-right', 1000],
    ['denied outside-schedule', 1000],
    ['denied anti-passback', 1000],
    ['denied zone-full', 300],
    ['denied second-person', 1000],
    ['alarm duress', 500],
    ['alarm forced-door', 1000],
    ['alarm held-open', 1000],
    ['alarm lockout', 1000],
  ] as const)
    expect(`${what} ${(tally.get(what) ?? 0) >= least ? 'often' : String(tally.get(what))}`).toBe(`${what} often`);
}, 600_000);
