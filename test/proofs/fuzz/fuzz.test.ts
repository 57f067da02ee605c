import { fuzz } from './fuzz';
import { TARGETS } from './targets';
import { BROKEN } from './targets/broken';

/** The short form; `npm run fuzz -- --seconds 600` is the long one and draws its seed. Here a red run must be about the change. */
const SHORT_MS = 250;
const AT_LEAST = 20;
const seed = Number(process.env['USHER_FUZZ_SEED'] ?? 20_260);
const targets = TARGETS.map((make) => make());

describe(`inbound parsers, seed ${seed}`, () => {
  it.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const { finding, inputs } = await fuzz(target, { seed, ms: SHORT_MS, atLeast: AT_LEAST });
    expect(finding).toBeNull();
    expect(inputs).toBeGreaterThanOrEqual(AT_LEAST);
  });
});

describe('the harness finds', () => {
  it.each([
    ['broken-throws', 'improper-error', /an index beyond the end/],
    ['broken-rejects', 'improper-error', /late/],
    ['broken-crashes', 'crash', /SIGABRT/],
    ['broken-hangs', 'hang', /processor time/],
    ['broken-hoards', 'memory', /MiB/],
    ['broken-swells', 'memory', /MiB resident/],
  ] as const)('%s: %s', async (name, kind, detail) => {
    const target = BROKEN.map((make) => make()).find((each) => each.name === name)!;
    const { finding } = await fuzz(target, { seed: 7, ms: 500, atLeast: 300 });
    expect(finding?.kind).toBe(kind);
    expect(finding?.detail).toMatch(detail);
  });
});
