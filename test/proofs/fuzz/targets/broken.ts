import type { Target } from '../target';

/** Parsers with one fault each, so that it is known that the harness would find it. */
const broken = (name: string, feed: Target['feed'], cpuMs = 500): (() => Target) => {
  return () => ({ name, form: 'text', seeds: () => [Buffer.from('key: value\n')], feed, memoryMiB: 300, cpuMs });
};

const hoard: unknown[] = [];

export const BROKEN: readonly (() => Target)[] = [
  broken('broken-throws', (input) => {
    if (input.length > 40) throw new RangeError('an index beyond the end');
  }),
  broken('broken-rejects', (input) => (input.length > 40 ? Promise.reject(new TypeError('late')) : null)),
  broken('broken-crashes', (input) => {
    if (input.length > 40) process.abort();
  }),
  broken('broken-hangs', (input) => {
    while (input.length > 40);
  }),
  broken('broken-hoards', () => {
    for (let i = 0; i < 50; i++) hoard.push(new Float64Array(2048).fill(1));
  }),
  // Filling so much memory takes a busy machine a while: it is not to be taken for a hang.
  broken(
    'broken-swells',
    (input) => {
      if (input.length > 40) hoard.push(Buffer.alloc(400 * 2 ** 20, 1));
    },
    60_000,
  ),
];
