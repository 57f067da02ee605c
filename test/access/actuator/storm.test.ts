import { describeWithMosquitto } from '../../support/mosquitto';
import { SWIPE_ATTACKS, UNLOCK_ATTACKS } from './attacks';
import { Storm } from './storm';

describeWithMosquitto('a storm of attacks on a real box, a real actuator and mosquitto', () => {
  test('every member gets in once, and nothing else opens the door', async () => {
    // The long form: npm run storm -- 100000
    const report = await new Storm({
      messages: 3000,
      perWave: 600,
      seed: 20_260_601,
      restarts: { broker: 1, actuator: 2, box: 5 },
      lane: 5,
    }).run();
    expect(report.violations).toEqual([]);
    expect(report.opened).toBe(report.unlocksIssued);
    expect(report.opened).toBeGreaterThanOrEqual(11);
    expect(report.unlocksLate).toBe(1);
    expect(report.relayOn).toBeGreaterThan(0);
    expect(report.relayOn).toBeLessThanOrEqual(report.opened);
    expect(report.attacks).toBe(3000);
    expect(Object.keys(report.sent).sort()).toEqual(
      [...Object.keys(UNLOCK_ATTACKS), ...Object.keys(SWIPE_ATTACKS)].sort(),
    );
    expect(report.restarts).toEqual({ broker: 1, actuator: 1, box: 1 });
  }, 240_000);
});
