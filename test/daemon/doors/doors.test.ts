import { PolicyKeeper } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { Doors } from '../../../src/daemon/doors/doors';
import { HealthBoard } from '../../../src/daemon/health/health';
import { createLog } from '../../../src/system/log';
import { DoorSite, FakeAnnouncer, NOON } from '../../support/door-site';
import { ENCODER, faceAt, observation } from '../../support/members';

const DEADLINE = 5000;

let site: DoorSite;
beforeEach(() => {
  site = new DoorSite();
  site.members.add('ann', faceAt(0));
  site.members.add('bob', faceAt(3));
});
afterEach(() => site.remove());

describe('which door', () => {
  test('a swipe and a face count at the door that has this reader and this camera', () => {
    site.doors.swipe('q', 'ann');
    site.look(faceAt(0), { camera: 'cam' });
    expect(site.said()).toEqual([]);
    site.look(faceAt(0), { camera: 'cam2' });
    expect(site.said()).toEqual(['back granted match ann at 10600']);
  });

  test('a reader and a camera of no door bring about nothing', () => {
    site.doors.swipe('unknown', 'ann');
    site.look(faceAt(0), { camera: 'unknown' });
    expect([site.said(), site.healthTold]).toEqual([[], []]);
  });

  test('a camera that is lost takes its own door out of service', () => {
    site.doors.cameraLive('cam', false);
    expect(site.doors.all.map((keeper) => keeper.phase(site.now))).toEqual(['out-of-service', 'closed']);
    site.doors.swipe('r', 'ann');
    site.now += DEADLINE + 1;
    site.doors.tick();
    expect(site.said()).toEqual([`front denied camera-unavailable ann at ${10_001 + DEADLINE}`]);
  });
});

describe('time', () => {
  test('a swipe is answered at the first tick after its deadline, and not before', () => {
    site.doors.swipe('r', 'ann');
    site.now += DEADLINE;
    site.doors.tick();
    expect(site.said()).toEqual([]);
    site.now += 1;
    site.doors.tick();
    expect(site.said()).toEqual([`front denied no-face ann at ${10_001 + DEADLINE}`]);
  });

  test('at the end every open swipe is answered', () => {
    site.doors.swipe('r', 'ann');
    site.doors.swipe('q', 'bob');
    site.now += 10;
    site.doors.shutdown();
    expect(site.said()).toEqual(['front denied shutdown ann at 10010', 'back denied shutdown bob at 10010']);
  });

  test('while the clock is not believed a card is refused and a face counts for nothing', () => {
    site.doors.swipe('r', 'ann');
    site.doors.clock(false);
    site.look(faceAt(0));
    expect(site.said()).toEqual([]);
    site.doors.swipe('r', 'bob');
    expect(site.said()).toEqual(['front denied clock-doubtful - at 10300']);
    site.doors.clock(true);
    site.look(faceAt(0));
    expect(site.said()).toEqual(['front granted match ann at 10600']);
  });

  test('the time of the rules goes on where there is no door', () => {
    const policy = new PolicyKeeper(
      compilePolicy(PolicyConfig.parse({ presenceResetAt: '04:00' }), []),
      () => null,
      () => ({ mono: 0, wall: NOON }),
    );
    const log = createLog({ level: 'error', format: 'text', write: () => undefined });
    const { roster } = site.members;
    const announcer = new FakeAnnouncer();
    const health = new HealthBoard(() => undefined);
    new Doors({
      doors: [],
      table: ENCODER.thresholds,
      roster,
      announcer,
      health,
      monotonicMs: () => 0,
      log,
      policy,
    }).tick();
    expect(policy.state.resetDay).not.toBeNull();
  });
});

describe('orders and alarms', () => {
  test('a door that is to be held open is unlocked, and again every 8 s', () => {
    site.policy.order({ type: 'hold-open', door: 'back', until: NOON + site.now + 60_000 });
    expect(site.said()).toEqual(['back granted hold-open - at 10000']);
    site.now += 7999;
    site.doors.tick();
    expect(site.said()).toEqual([]);
    site.now += 1;
    site.doors.tick();
    expect(site.said()).toEqual(['back granted hold-open - at 18000']);
  });

  test('an alarm names the door where it was raised', () => {
    site.policy.feed({ type: 'contact', door: 'back', open: true });
    expect(site.said()).toEqual(['back alarm forced-door -']);
  });

  test('orders and alarms of a door that is not here go nowhere', () => {
    site.policy.feed({ type: 'contact', door: 'side', open: true });
    site.policy.order({ type: 'hold-open', door: 'side', until: NOON + site.now + 60_000 });
    expect([site.said(), site.healthTold]).toEqual([[], []]);
  });

  test('an unlock by order is nobody’s visit', () => {
    const seen = jest.spyOn(site.members.roster, 'markSeen');
    site.policy.order({ type: 'hold-open', door: 'back', until: NOON + site.now + 60_000 });
    expect(seen).not.toHaveBeenCalled();
  });
});

describe('a visit', () => {
  const lastSeen = (id: string) => site.members.store.members.find(id)?.lastSeenAt;

  test('is noted to the day when a member was let in, and only then', () => {
    site.enter('ann', 3);
    site.now += DEADLINE;
    site.doors.tick();
    expect(site.said()).toEqual(['front denied mismatch ann at 15300']);
    expect([lastSeen('ann'), lastSeen('bob')]).toEqual([null, null]);
    site.enter('bob', 3);
    expect(site.said()).toEqual(['front granted match bob at 15600']);
    expect([lastSeen('ann'), lastSeen('bob')]).toEqual([null, NOON - 12 * 3_600_000]);
  });

  test('that cannot be noted takes nothing back', () => {
    jest.spyOn(site.members.roster, 'markSeen').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    site.enter('ann', 0);
    expect(site.said()).toEqual(['front granted match ann at 10300']);
    expect([site.logged('the visit was not recorded: the disk is full'), site.front.phase(site.now)]).toEqual([
      1,
      'cooldown',
    ]);
  });

  test('leaves no template behind where the door keeps none', () => {
    const facts = jest.spyOn(site.members.roster, 'adaptionFacts');
    site.enter('ann', 0);
    expect(facts).not.toHaveBeenCalled();
    expect(site.members.store.templates.list('ann')).toHaveLength(1);
    expect(site.logged('not stored')).toBe(0);
  });
});

describe('frames that cannot be compared', () => {
  test('count for nothing, and health names the models', () => {
    site.doors.swipe('r', 'ann');
    site.look(new Float32Array(7).fill(0.4), { frames: 1 });
    expect(site.health.get('models')).toMatchObject({
      state: 'failed',
      detail: 'a vector has 7 dimensions instead of 8',
    });
    expect(site.logged('a vector has 7 dimensions instead of 8')).toBe(1);
    site.look(faceAt(0));
    expect(site.said()).toEqual(['front granted match ann at 10400']);
  });

  test('of one camera do not hold up the doors of another', () => {
    site.doors.swipe('q', 'ann');
    site.doors.swipe('r', 'ann');
    site.doors.observe(observation(site.now, new Float32Array(7).fill(0.4)));
    site.look(faceAt(0), { camera: 'cam2' });
    expect(site.said()).toEqual(['back granted match ann at 10300']);
  });
});
