import { PolicyKeeper } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { registerSignedCommands } from '../../../src/daemon/commands/signed-commands';
import { CommandRegistry } from '../../../src/mqtt/requests/commands';
import type { CommandResultPayload } from '../../../src/mqtt/topics/payloads';
import type { JournalBody } from '../../../src/store/journal/journal-body';

const NOW = Date.parse('2026-06-01T12:00:00Z');

/** The verbs of a box with two doors. Signatures are admitted unseen: they have tests of their own. */
function box() {
  const policy = new PolicyKeeper(
    compilePolicy(PolicyConfig.parse({}), [
      { id: 'front', mode: 'verify', unlockMs: 3000 },
      { id: 'back', mode: 'verify', unlockMs: 3000 },
    ]),
    () => null,
    () => ({ mono: 1000, wall: NOW }),
  );
  const records: JournalBody[] = [];
  const changed: [string, object][] = [];
  const answers: CommandResultPayload[] = [];
  let hear: (message: object) => void = () => undefined;
  const client = {
    subscribe: (_: string, handle: (message: never) => void) => (hear = handle as (message: object) => void),
    publish: (_: string, __: object, payload: CommandResultPayload) => answers.push(payload),
    reject: () => undefined,
  };
  const registry = new CommandRegistry(client as never, { admission: { admit: () => null } });
  const members = { update: (id: string, change: object) => changed.push([id, change]) };
  registerSignedCommands(registry, {
    store: { members } as never,
    policy,
    refresh: () => undefined,
    record: (body) => records.push(body),
  });
  registry.start();
  let ids = 0;
  const order = async (verb: string, args: object) => {
    hear({ topic: `command/${verb}`, params: { verb }, payload: { v: 1, id: `c${++ids}`, key: 'k', ...args } });
    while (answers.length < ids) await new Promise(setImmediate);
    return answers.at(-1);
  };
  return { policy, records, changed, order };
}

test.each([
  ['a second ago', NOW - 1000, 'usage', 'in the past'],
  ['in seconds', NOW / 1000 + 3600, 'invalid-arguments', 'looks like seconds'],
])('a lockdown that ends %s is refused, and the one in force goes on', async (_, until, code, message) => {
  const { order, policy } = box();
  expect(await order('lockdown', {})).toMatchObject({ ok: true });
  expect(await order('lockdown', { until })).toMatchObject({
    ok: false,
    error: { code, message: expect.stringContaining(message) as string },
  });
  expect(policy.standing('front')).toBe('locked-down');
  expect(policy.lockdowns()).toHaveLength(2);
});

test('what is refused stands in the journal as refused', async () => {
  const { order, records } = box();
  await order('lockdown', { until: NOW - 1 });
  expect(records).toEqual([
    expect.objectContaining({ order: 'lockdown', until: NOW - 1 }),
    expect.objectContaining({ order: 'lockdown', refused: expect.stringContaining('in the past') as string }),
  ]);
});

test('the answer to a lockdown says what holds now, where a longer one was in force', async () => {
  const { order } = box();
  await order('lockdown', { doors: ['front'] });
  expect(await order('lockdown', { until: NOW + 60_000, groups: ['staff'] })).toMatchObject({
    ok: true,
    result: {
      order: 'lockdown',
      lockdowns: [
        { door: 'front', groups: [], endsInMs: null },
        { door: 'back', groups: ['staff'], endsInMs: 60_000 },
      ],
    },
  });
});

test('only a release lifts a lockdown', async () => {
  const { order, policy } = box();
  await order('lockdown', {});
  expect(await order('reset-policy', {})).toMatchObject({ ok: true, result: { lockdowns: [{}, {}] } });
  expect(await order('hold-open', { door: 'front', until: NOW + 1000 })).toMatchObject({ ok: false });
  expect(policy.standing('front')).toBe('locked-down');
  expect(await order('release-lockdown', {})).toMatchObject({ ok: true });
  expect(policy.standing('front')).toBe('normal');
});

test.each(['validFrom', 'validUntil'])('a %s in seconds would be 1970: refused', async (key) => {
  const { order, changed } = box();
  expect(await order('member-update', { member: 'ann', [key]: Math.floor(NOW / 1000) + 86_400 })).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('looks like seconds') as string },
  });
  expect(changed).toEqual([]);
  expect(await order('member-update', { member: 'ann', [key]: NOW })).toMatchObject({ ok: true });
});
