import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writableTopics } from '../../../../src/lab/bench/flood/flood';
import { packageRoot } from '../../../../src/system/paths';
import { BASE, ROOT } from '../../../mqtt/harness';

test('what the fleet manager may write, for one box: what `usher bench flood` floods', () => {
  const acl = readFileSync(path.join(packageRoot(), 'device-config/mosquitto/acl'), 'utf8');
  const topics = writableTopics(acl, 'fleet', BASE);
  expect(topics.filter((topic) => topic.startsWith(`${ROOT}/command/`)).length).toBeGreaterThanOrEqual(19);
  expect(topics).toEqual(expect.arrayContaining([`${ROOT}/command/ping`, `${ROOT}/update/desired`]));
  expect(topics.slice(-2)).toEqual(['usher/v1/fleet/all/update/desired', 'usher/v1/fleet/all/update/data/x/x']);
  expect(topics.join(' ')).not.toMatch(/[+#]|command\/result/);
});
