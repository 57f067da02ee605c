import type { Decision } from '../../../src/access/door-types';
import { PolicyKeeper } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { DoorConfig } from '../../../src/config/schema/doors';
import { Doors } from '../../../src/daemon/doors/doors';
import { HealthBoard } from '../../../src/daemon/health/health';
import { createLog } from '../../../src/system/log';
import { ENCODER, faceAt, Members, observation } from '../../support/members';

/** Doors over a real store; what they say of it. */
function site(members: Members) {
  let now = 1000;
  let log = '';
  const decisions: Decision[] = [];
  const door = DoorConfig.parse({ id: 'front', camera: 'cam', readers: ['r'], mode: 'either', cooldownMs: 0 });
  const health = new HealthBoard(() => undefined);
  const doors = new Doors({
    doors: [door],
    table: ENCODER.thresholds,
    roster: members.roster,
    announcer: {
      announce: (_, decision) => void decisions.push(decision),
      alarm: () => undefined,
      recover: () => undefined,
    },
    health,
    monotonicMs: () => now,
    log: createLog({ level: 'error', format: 'text', write: (line) => (log += line) }),
    policy: new PolicyKeeper(
      compilePolicy(PolicyConfig.parse({}), [door]),
      (id) => members.roster.rightsOf(id),
      () => ({ mono: now, wall: 1_770_000_000_000 + now }),
    ),
  });
  doors.cameraLive('cam', true);
  const look = (axis: number, track: number): string => {
    for (let i = 0; i < 4; i++) doors.observe(observation((now += 100), faceAt(axis), { track }));
    now += 10_000;
    doors.tick();
    return decisions
      .splice(0)
      .map(({ outcome, reason }) => `${outcome} ${reason}`)
      .join();
  };
  const answer = (id: string, axis: number, track: number): string => {
    doors.swipe('r', id);
    return look(axis, track);
  };
  return { doors, health, look, answer, log: () => log };
}

let members: Members;
beforeEach(() => {
  members = new Members();
  members.add('ann', faceAt(0));
  members.add('bob', faceAt(2));
  members.add('cid', faceAt(4));
});
afterEach(() => members.remove());

test.each<[string, string, string]>([
  ['a sealed template', "UPDATE templates SET sealed = substr(sealed, 1, 30) WHERE member = 'bob'", 'no-template'],
  ['a template moved to him', "UPDATE templates SET member = 'bob' WHERE member = 'cid'", 'match'],
  ['the profile', "UPDATE members SET profile = x'0102' WHERE id = 'bob'", 'member-damaged'],
  ['the key', "UPDATE member_keys SET wrapped = x'0102' WHERE member = 'bob'", 'member-damaged'],
  ['no key', "DELETE FROM member_keys WHERE member = 'bob'", 'member-damaged'],
])('%s is damaged: the others go on, he is named in health and log by id', (_what, sql, reason) => {
  members.change(sql);
  const { doors, health, answer, log } = site(members);
  doors.refresh();
  expect(answer('ann', 0, 1)).toBe('granted match');
  expect(answer('bob', 2, 2)).toContain(reason);
  expect(answer('ann', 0, 3)).toBe('granted match');
  doors.refresh();
  expect(health.get('store')).toMatchObject({
    state: 'degraded',
    detail: 'the stored data of 1 member is damaged: bob',
    remedy: expect.stringContaining('usher members repair') as string,
  });
  expect(log()).toContain('member=bob');
  expect(log()).not.toContain('Member bob');
  members.store.members.remove('bob', { by: 'desk', reason: 'removed' });
  doors.reload();
  doors.refresh();
  expect(health.get('store').state).toBe('ok');
});

test.each([
  ['by card', (door: ReturnType<typeof site>) => door.answer('bob', 2, 1), 'denied member-damaged'],
  ['by face alone', (door: ReturnType<typeof site>) => door.look(2, 1), 'denied member-damaged'],
])('a suspension that was lifted in the file lets nobody in: %s', (_how, come, answer) => {
  members.store.members.update('bob', { status: 'suspended' });
  members.change("UPDATE members SET status = 'active' WHERE id = 'bob'");
  members.roster.load();
  const door = site(members);
  door.doors.refresh();
  expect(new Set(come(door).split(','))).toEqual(new Set([answer]));
  expect(door.answer('ann', 0, 9)).toBe('granted match');
});
