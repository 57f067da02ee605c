import { networkInterfaces } from 'node:os';
import { type MqttClient } from '../../../src/mqtt/client/client';
import { Mosquitto, describeWithMosquitto, freePort } from '../../support/mosquitto';
import { makeClient } from '../harness';
import { until } from '../../support/until';
import { unlock } from '../samples';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describeWithMosquitto('the ways to a broker', () => {
  let broker: Mosquitto | null = null;
  let client: MqttClient | null = null;

  afterEach(async () => {
    await client?.stop();
    await broker?.dispose();
  });

  const reaches = async (url: string): Promise<void> => {
    const heard: string[] = [];
    client = makeClient(url);
    client.subscribe('command', ({ payload }) => heard.push(payload.id));
    client.start();
    await until(`a connection to ${url}`, () => client?.hears === true);
    expect(client.health).toEqual({ state: 'connected', problem: null });
    expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('sent');
  };

  it.each(['mqtt://127.0.0.1', 'mqtt://user:a%2Fb@127.0.0.1', 'ws://127.0.0.1', 'ws://user:p%40ss@127.0.0.1'])(
    '%s',
    async (address) => {
      const port = await freePort();
      broker = new Mosquitto([
        'allow_anonymous true',
        `listener ${port} 127.0.0.1`,
        ...(address.startsWith('ws') ? ['protocol websockets'] : []),
      ]);
      await broker.start();
      await reaches(`${address}:${port}`);
    },
  );

  (hasIpv6 ? it : it.skip).each([
    ['mqtt', []],
    ['ws', ['protocol websockets']],
  ])('%s://[::1], which mqtt.js by itself does not reach over WebSockets', async (scheme, protocol) => {
    const port = await freePort();
    broker = new Mosquitto(['allow_anonymous true', `listener ${port} ::1`, ...protocol]);
    await broker.start();
    await reaches(`${scheme}://[::1]:${port}`);
  });

  it('names an address that is not one of a broker', async () => {
    client = makeClient('http://127.0.0.1:1');
    client.start();
    await until('a problem', () => client?.health.problem !== null);
    expect(client.health.problem?.message).toContain('is not a broker address');
  });
});
