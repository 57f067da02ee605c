import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRANT_REASONS, REASONS, reasonsTable } from '../../src/access/reasons';
import { DecisionPayload } from '../../src/mqtt/topics/payloads';
import { packageRoot } from '../../src/system/paths';

const readme = join(packageRoot(), 'README.md');
const documented = existsSync(readme) && readFileSync(readme, 'utf8').includes('| Reason');

test('the table has a line for every reason, and says which of them open', () => {
  const lines = reasonsTable().split('\n');
  expect(lines).toHaveLength(Object.keys(REASONS).length + 2);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  const granted = lines.filter((line) => line.includes('| granted |')).map((line) => /`([a-z-]+)`/.exec(line)?.[1]);
  expect(granted.sort()).toEqual([...GRANT_REASONS].sort());
});

test('every reason can be published', () => {
  for (const reason of Object.keys(REASONS)) expect(DecisionPayload.shape.reason.safeParse(reason).success).toBe(true);
});

(documented ? test : test.skip)('the README has the same table', () => {
  expect(readFileSync(readme, 'utf8')).toContain(reasonsTable());
});
