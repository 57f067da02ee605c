import { join } from 'node:path';
import { UsherError } from '../../../src/errors';
import { DoorSite, NOON } from '../../support/door-site';
import { faceAt, SPACE } from '../../support/members';
import { SpoiltStore } from '../../support/spoilt-store';

const full = (): Error => new UsherError('store-unavailable', 'the disk is full', { remedy: 'Free space.' });

let site: DoorSite;
beforeEach(() => {
  site = new DoorSite();
  site.members.add('ann', faceAt(0));
  site.members.add('bob', faceAt(3));
});
afterEach(() => site.remove());

const phases = () => site.doors.all.map((keeper) => keeper.phase(site.now));

describe('a decision that cannot be recorded', () => {
  test('opens nothing, shuts all doors, and costs the member no cooldown', () => {
    site.announcer.failure = full();
    site.enter('ann', 0);
    expect(site.said()).toEqual([]);
    expect(site.members.store.members.find('ann')?.lastSeenAt).toBeNull();
    expect([phases(), site.health.get('store')]).toEqual([
      ['out-of-service', 'out-of-service'],
      { state: 'failed', lastProgressAt: null, detail: 'the disk is full', remedy: 'Free space.' },
    ]);
    site.announcer.failure = null;
    site.doors.refresh();
    expect([phases(), site.health.get('store').state]).toEqual([['closed', 'closed'], 'ok']);
    site.enter('ann', 0);
    expect(site.said()).toEqual(['front granted match ann at 10600']);
  });

  test('that is a denial leaves the cooldown of the grant before it', () => {
    site.enter('ann', 0);
    expect(site.said()).toEqual(['front granted match ann at 10300']);
    site.announcer.failure = full();
    site.doors.swipe('r', 'bob');
    site.announcer.failure = null;
    site.doors.refresh();
    expect(site.front.phase(13_299)).toBe('cooldown');
    expect(site.front.phase(13_300)).toBe('closed');
  });

  test('that is an unlock by order leaves the cooldown of the grant before it', () => {
    site.enter('ann', 0);
    site.announcer.failure = full();
    site.policy.order({ type: 'hold-open', door: 'front', until: NOON + site.now + 60_000 });
    site.announcer.failure = null;
    site.doors.refresh();
    expect(site.front.phase(site.now)).toBe('held-open');
    site.policy.order({ type: 'close', door: 'front' });
    expect(site.front.phase(13_299)).toBe('cooldown');
    expect(site.front.phase(13_300)).toBe('closed');
  });

  test('withholds that one alone: the other door’s is announced', () => {
    site.doors.swipe('r', 'ann');
    site.doors.swipe('q', 'bob');
    const { announce } = site.announcer;
    jest.spyOn(site.announcer, 'announce').mockImplementation((door, decision) => {
      if (door.id === 'front') throw full();
      announce.call(site.announcer, door, decision);
    });
    site.doors.shutdown();
    expect(site.said()).toEqual(['back denied shutdown bob at 10000']);
  });
});

describe('a store that cannot be read', () => {
  test('refuses every card with that reason, is logged once, and health says since when', () => {
    site.doors.refresh();
    const { lastProgressAt } = site.health.get('store');
    expect(lastProgressAt).toBe(NOON + 10_000);
    site.now += 5000;
    const spoilt = new SpoiltStore(join(site.members.dir, 'usher.db'));
    spoilt.takeTableAway();
    site.doors.swipe('r', 'ann');
    expect(site.said()).toEqual(['front denied store-unavailable - at 15000']);
    expect(phases()).toEqual(['out-of-service', 'out-of-service']);
    expect(site.health.get('store')).toMatchObject({
      ...{ state: 'failed', lastProgressAt },
      detail: expect.stringContaining(site.members.store.file) as string,
    });
    site.doors.swipe('q', 'ann');
    site.doors.refresh();
    site.doors.reload();
    expect(site.said()).toEqual(['back denied store-unavailable - at 15000']);
    expect(site.logged(site.members.store.file)).toBe(1);
    spoilt.mend();
    site.doors.refresh();
    expect([phases(), site.health.get('store')]).toEqual([
      ['closed', 'closed'],
      { state: 'ok', lastProgressAt: NOON + 15_000, detail: null, remedy: null },
    ]);
    site.enter('ann', 0);
    expect(site.said()).toEqual(['front granted match ann at 15300']);
  });

  test.each(['refresh', 'reload'] as const)('is noticed by %s', (by) => {
    site.members.store.close();
    site.doors[by]();
    expect([phases(), site.health.get('store').state]).toEqual([['out-of-service', 'out-of-service'], 'failed']);
  });

  test('is read as a whole as soon as it can be again, though nothing changed meanwhile', () => {
    site.members.store.members.add({ id: 'cid', name: 'Cid' }, [
      { space: SPACE, vector: faceAt(5), quality: 0.9, source: 'picture' },
    ]);
    jest.spyOn(site.members.store.templates, 'readSpace').mockImplementationOnce(() => {
      throw full();
    });
    site.doors.reload();
    expect(site.members.roster.size).toBe(2);
    site.doors.refresh();
    expect([site.members.roster.size, phases()]).toEqual([3, ['closed', 'closed']]);
  });
});

describe('looking at the store', () => {
  test('reads nothing and tells the doors nothing as long as all is well', () => {
    const { loads } = site.members.roster;
    const told = site.doors.all.map((keeper) => jest.spyOn(keeper, 'feed'));
    site.doors.refresh();
    site.doors.refresh();
    expect(site.members.roster.loads).toBe(loads);
    for (const feed of told) expect(feed).not.toHaveBeenCalled();
  });

  test('tells the doors of a failure once', () => {
    const feed = jest.spyOn(site.front, 'feed');
    site.announcer.failure = full();
    site.doors.refresh();
    site.doors.refresh();
    expect(feed.mock.calls).toEqual([[{ type: 'store', at: 10_000, available: false }]]);
  });

  test('reads what another process changed', () => {
    site.members.change("DELETE FROM templates WHERE member = 'bob'");
    site.doors.refresh();
    expect([site.members.roster.size, site.logged('members loaded again')]).toEqual([1, 1]);
  });

  test('has what waits be written again: the state of the rules, and the journal', () => {
    site.doors.refresh();
    expect([site.saved.flush.mock.calls.length, site.announcer.recovered]).toEqual([1, 1]);
    site.saved.flush.mockImplementation(() => {
      throw full();
    });
    site.doors.refresh();
    expect([site.saved.flush.mock.calls.length, site.announcer.recovered]).toEqual([2, 2]);
    expect(site.logged('could not be written yet: the disk is full')).toBe(1);
    expect(site.health.get('store').state).toBe('ok');
  });
});

describe('damaged members', () => {
  const REMEDY =
    'usher members check shows the damage, usher members repair deletes it; then enrol these members again.';
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${String(i).padStart(2, '0')}`);
  const damage = (some: readonly string[]): void => {
    for (const id of some) {
      site.members.add(id, faceAt(5));
      site.members.change('DELETE FROM member_keys WHERE member = ?', id);
    }
    site.members.roster.inspect();
  };

  test.each([
    [1, '1 member is damaged: m00', 1],
    [2, '2 members is damaged: m00, m01', 2],
    [10, `10 members is damaged: ${ids(10).join(', ')}`, 10],
    [11, `11 members is damaged: ${ids(10).join(', ')}, …`, 10],
  ])('%d of them: health and log name ten at most', (count, detail, logged) => {
    damage(ids(count));
    jest.spyOn(site.members.roster, 'refresh').mockReturnValue(false);
    site.doors.refresh();
    expect(site.health.get('store')).toEqual({
      ...{ state: 'degraded', lastProgressAt: NOON + 10_000, remedy: REMEDY },
      detail: `the stored data of ${detail}`,
    });
    expect(site.logged('member=m')).toBe(logged);
  });

  test('are logged when they become known, not at every look', () => {
    damage(['m00']);
    site.doors.refresh();
    const first = site.logged('member=m00');
    expect(first).toBeGreaterThan(0);
    site.doors.refresh();
    expect(site.logged('member=m00')).toBe(first);
    site.members.store.members.remove('m00', { by: 'desk', reason: 'removed' });
    site.doors.reload();
    site.doors.refresh();
    expect(site.health.get('store').state).toBe('ok');
    site.log = [];
    damage(['m00']);
    site.doors.refresh();
    expect(site.logged('member=m00')).toBe(first);
  });
});
