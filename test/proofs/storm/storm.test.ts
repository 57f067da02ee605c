import { describeWithMosquitto } from '../../support/mosquitto';
import { COMMAND_ATTACKS, SWIPE_ATTACKS, UNLOCK_ATTACKS } from './attacks';
import { Storm } from './storm';
import { LANE_ATTACKS } from './storm-lane';
import { RESTART_ATTACKS } from './storm-restarts';

describeWithMosquitto('a storm of attacks on a real box, a real actuator and mosquitto', () => {
  let storm: Storm | null = null;
  // Also when the time was up.
  afterEach(() => storm?.end());

  test('every member gets in once, and nothing else opens the door', async () => {
    // The long form: npm run storm -- 100000
    storm = new Storm({
      messages: 3000,
      perWave: 600,
      seed: 20_260_601,
      restarts: { broker: 1, actuator: 2, box: 2 },
      lane: 5,
    });
    const report = await storm.run();
    expect(report.violations).toEqual([]);
    expect(report.opened).toBe(report.unlocksIssued);
    expect(report.opened).toBeGreaterThanOrEqual(11);
    expect(report.unlocksLate).toBe(1);
    expect(report.relayOn).toBeGreaterThan(0);
    expect(report.relayOn).toBeLessThanOrEqual(report.opened);
    expect(report.attacks).toBe(3000);
    const kinds = [UNLOCK_ATTACKS, SWIPE_ATTACKS, COMMAND_ATTACKS].flatMap((each) => Object.keys(each));
    const tried = [...kinds, ...LANE_ATTACKS, ...RESTART_ATTACKS.slice(0, 2)];
    expect(Object.keys(report.sent).sort()).toEqual(tried.filter((kind) => !report.skipped.includes(kind)).sort());
    expect(report.restarts).toMatchObject({ broker: 1, actuator: 1 });
    expect(report.restarts.box).toBeGreaterThanOrEqual(2);
  }, 900_000);
});
