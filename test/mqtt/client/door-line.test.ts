import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { connect } from 'mqtt';
import { type MqttClient } from '../../../src/mqtt/client/client';
import { Authority } from '../../support/certificates';
import { Mosquitto, describeWithMosquitto } from '../../support/mosquitto';
import { Observer, ROOT, makeClient } from '../harness';
import { until } from '../../support/until';
import { swipe, unlock } from '../samples';

describeWithMosquitto('the connection for swipes and unlocks', () => {
  const clients: MqttClient[] = [];
  const observers: Observer[] = [];
  const children: ChildProcess[] = [];
  let broker: Mosquitto;

  const device = (url: string, options: Parameters<typeof makeClient>[1] = {}) => {
    const swipes: string[] = [];
    const commands: string[] = [];
    const client = makeClient(url, options);
    clients.push(client);
    client.subscribe(
      'swipe',
      ({ payload }) => swipes.push(payload.id),
      {},
      () => ['card'],
    );
    client.subscribe(
      'command',
      ({ payload }) => commands.push(payload.id),
      {},
      () => ['ping'],
    );
    client.start();
    return { client, swipes, commands };
  };
  const observe = async (filter: string): Promise<Observer> => {
    const observer = new Observer(broker.url, filter);
    observers.push(observer);
    return observer.connected();
  };
  const sayings = async (observer: Observer, swipes: string[], from: string): Promise<void> => {
    await observer.publish(`${ROOT}/in/card/swipe`, JSON.stringify(swipe(from)));
    await until(`the swipe ${from}`, () => swipes.includes(from));
  };

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await Promise.all(observers.splice(0).map((observer) => observer.close()));
    await broker.dispose();
  });

  it('hears swipes while the other one is flooded; what is dropped is counted, named, and forgotten when it ends', async () => {
    broker = new Mosquitto();
    await broker.start();
    const { client, swipes, commands } = device(broker.url);
    const observer = await observe(`${ROOT}/status`);
    await until('both connections', () => client.hears);
    expect(client.health).toEqual({ state: 'connected', problem: null });
    const flood = spawn(
      process.execPath,
      [path.join(__dirname, '../flood-child.cjs'), String(broker.port), `${ROOT}/command/ping`],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    children.push(flood);
    await until('the flood to be noticed', () => client.health.problem !== null);
    expect(client.health.state).toBe('connected');
    expect(client.health.problem?.message).toContain(`${ROOT}/command/ping (at most 5 a second)`);
    for (let i = 0; i < 10; i++) await sayings(observer, swipes, `during-${i}`);
    await until('many to be dropped', () => (client.stats.rejected.flooded ?? 0) > 20_000);
    // Twenty at once and five a second: whatever the machine's speed, not one in ten.
    expect(commands.length).toBeLessThan(2000);
    flood.kill('SIGKILL');
    await until('the end of the flood', () => client.health.problem === null);
    await sayings(observer, swipes, 'after');
    expect(client.stats.connects).toBe(1);
  });

  it('is stood in for by the main one where the broker takes both for one client, and health says so', async () => {
    const authority = new Authority();
    authority.issue('broker', 'subjectAltName=IP:127.0.0.1');
    authority.issue('box');
    const file = (name: string): string => path.join(authority.folder, name);
    authority.issue('reader');
    broker = new Mosquitto([
      `cafile ${file('ca.pem')}`,
      `certfile ${file('broker.pem')}`,
      `keyfile ${file('broker.key')}`,
      'require_certificate true',
      'use_identity_as_username true',
      'use_username_as_clientid true',
    ]);
    await broker.start();
    const { client, swipes } = device(`mqtts://127.0.0.1:${broker.port}`, {
      caFile: file('ca.pem'),
      certFile: file('box.pem'),
      keyFile: file('box.key'),
    });
    await until(
      'it to be noticed',
      () => client.health.problem?.message.includes('whenever the other is made') === true,
      // Three rivalries, with a growing pause between attempts.
      { ms: 150_000 },
    );
    await until('the main one to stand in', () => client.hears);
    expect(client.health.state).toBe('connected');
    expect(client.health.problem?.remedy).toContain('use_username_as_clientid');
    const connects = client.stats.connects;
    const reader = connect(`mqtts://127.0.0.1:${broker.port}`, {
      ca: authority.read('ca.pem'),
      cert: authority.read('reader.pem'),
      key: authority.read('reader.key'),
      reconnectPeriod: 0,
    });
    const heard: string[] = [];
    reader.on('message', (topic) => heard.push(topic));
    await reader.subscribeAsync(`${ROOT}/event/+/unlock`);
    await reader.publishAsync(`${ROOT}/in/card/swipe`, JSON.stringify(swipe('4711')), { qos: 1 });
    await until('the swipe', () => swipes.includes('4711'));
    expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('sent');
    await until('the unlock', () => heard.length > 0);
    expect(client.stats.connects).toBe(connects);
    await reader.endAsync(true);
    authority.remove();
  }, 200_000);
});
