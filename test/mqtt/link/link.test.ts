import { MQTT_LIMITS } from '../../../src/mqtt/topics/limits';
import { Link } from '../../../src/mqtt/link/link';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { until } from '../../support/until';

describeWithMosquitto('a link that waits for its next attempt', () => {
  test('tries at once when there is a sign that the broker is back', async () => {
    const broker = new Mosquitto();
    await broker.start();
    const { url } = broker;
    await broker.stop();
    const states: string[] = [];
    const hour = 3_600_000;
    const link = new Link(
      {
        ...{ url, clientId: 'usher-test', protocolVersion: 4, random: () => 1 },
        limits: { ...MQTT_LIMITS, backoffMinMs: hour, backoffMaxMs: hour },
      },
      {
        will: () => null,
        up: () => undefined,
        message: () => undefined,
        changed: ({ state }) => states.push(state),
      },
    );
    try {
      link.tryNow();
      link.start();
      await until('the first attempt to fail', () => states.includes('failed'));
      await broker.start();
      expect(link.live).toBeNull();
      link.tryNow();
      await until('the connection', () => link.live !== null);
      link.tryNow();
      expect(link.live?.connected).toBe(true);
    } finally {
      await link.stop(() => Promise.resolve());
      await broker.dispose();
    }
    link.tryNow();
    expect(states.at(-1)).toBe('stopped');
  });
});
