import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';

const text = readFileSync(path.join(packageRoot(), 'CONTRIBUTING.md'), 'utf8');
/** The five ways, and the most files that a reader opens to follow one. */
const WAYS = [
  ['A frame becomes a decision', 16],
  ['A sound becomes an activation', 13],
  ['A release becomes the running model', 20],
  ['A configuration becomes a daemon', 14],
  ['A model becomes a bundle that runs', 15],
] as const;

test('every file that CONTRIBUTING names is there', () => {
  const named = [...text.matchAll(/`([a-z-]+\/[\w/.-]+\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter((file) => !existsSync(path.join(packageRoot(), 'src', file)))).toEqual([]);
});

test.each(WAYS)('%s: at most %d steps, each with its file', (title, most) => {
  const section = text.split(`### ${title}\n`)[1]!.split('\n#')[0]!;
  const steps = section.match(/^\d+\. .*$/gm) ?? [];
  expect(steps.length).toBeGreaterThan(5);
  expect(steps.length).toBeLessThanOrEqual(most);
  for (const step of steps) expect(step).toMatch(/^\d+\. (to \d+\. )?`[a-z-]+\/[\w/.-]+\.ts`/);
});
