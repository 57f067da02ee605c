import { describeWithMosquitto } from '../../support/mosquitto';
import { killTorture } from './kill-torture';

describeWithMosquitto('kill -9 around the arrival of an unlock', () => {
  test('no unlock opens twice', async () => {
    // The long form: npm run torture:actuator -- 500
    const report = await killTorture(8, 4711);
    expect(report.violations).toEqual([]);
    expect(report.opened + report.lost).toBe(8);
  }, 120_000);
});
