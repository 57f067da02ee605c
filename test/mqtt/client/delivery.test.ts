import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type MqttClient } from '../../../src/mqtt/client/client';
import { discoveryOf } from '../../../src/mqtt/topics/discovery';
import { Mosquitto, describeWithMosquitto } from '../../support/mosquitto';
import { BASE, Observer, ROOT, makeClient } from '../harness';
import { until } from '../../support/until';
import { decision, unlock } from '../samples';

const DECISION = `${ROOT}/event/main/decision`;
const UNLOCK = `${ROOT}/event/main/unlock`;
const DISCOVERY = 'homeassistant/device/usher_lyon_front/config';

describeWithMosquitto('what the broker does not pass on', () => {
  let folder: string;
  let broker: Mosquitto;
  const clients: MqttClient[] = [];
  const observers: Observer[] = [];

  /** The device is `anonymous`; `watcher` hears all. */
  const rules = (...lines: string[]): void =>
    writeFileSync(path.join(folder, 'acl'), [...lines, 'user watcher', 'topic readwrite #', ''].join('\n'));
  const start = async (...config: string[]): Promise<void> => {
    broker = new Mosquitto(['allow_anonymous true', `acl_file ${path.join(folder, 'acl')}`, ...config]);
    await broker.start();
  };
  const device = async (protocolVersion: 4 | 5): Promise<MqttClient> => {
    const client = makeClient(broker.url, { protocolVersion, limits: { echoMs: 300 } });
    clients.push(client);
    client.start();
    await until('the device', () => client.hears);
    return client;
  };
  const watch = async (): Promise<Observer> => {
    const observer = new Observer(broker.url.replace('//', '//watcher@'), '#');
    observers.push(observer);
    return observer.connected();
  };
  const problemOf = (client: MqttClient): string => client.health.problem?.message ?? '';
  const announce = (client: MqttClient): number => {
    const doors = Array.from({ length: 8 }, (_, index) => ({ id: `door-${index}` }));
    const payload = discoveryOf({ base: BASE, version: '1', doors, cameras: [], doorStates: ['idle'] });
    client.publish('discovery', {}, payload);
    return Buffer.byteLength(JSON.stringify(payload));
  };

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'usher-acl-'))));

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    await Promise.all(observers.splice(0).map((observer) => observer.close()));
    await broker.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [4, 'did not pass it on'],
    [5, 'refuses what this box publishes'],
  ] as const)(
    'MQTT %i: rules that change while it runs: the topic is named, decisions wait, and go on when they are put right',
    async (protocolVersion, says) => {
      rules('topic readwrite #');
      await start();
      const client = await device(protocolVersion);
      const observer = await watch();
      client.publish('decision', { door: 'main' }, decision(1));
      client.publish('unlock', { door: 'main' }, unlock(1));
      await until('both', () => observer.on(DECISION).length === 1 && observer.on(UNLOCK).length === 1);
      await until('the queue to be empty', () => client.stats.queued === 0);
      expect(client.health.problem).toBeNull();

      rules(`topic deny ${ROOT}/event/+/decision`, 'topic readwrite #');
      broker.reload();
      await new Promise((resolve) => setTimeout(resolve, 300));
      client.publish('decision', { door: 'main' }, decision(2));
      client.publish('decision', { door: 'main' }, decision(3));
      await until('it to be noticed', () => problemOf(client).includes(says) && problemOf(client).includes(DECISION));
      expect(client.health.problem?.remedy).toContain('let this box write these topics');
      client.wake();
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(client.stats.queued).toBe(2);
      expect(observer.on(DECISION)).toHaveLength(1);

      rules('topic readwrite #');
      broker.reload();
      await until('the rest', () => {
        client.wake();
        return client.stats.queued === 0;
      });
      // What was sent more than once bears the same number.
      expect([...new Set(observer.json(DECISION).map(({ seq }) => seq))]).toEqual([1, 2, 3]);
      await until('health to be well again', () => client.health.problem === null);
    },
  );

  it.each([4, 5] as const)('MQTT %i: an unlock that is swallowed is noticed', async (protocolVersion) => {
    rules(`topic deny ${ROOT}/event/+/unlock`, 'topic readwrite #');
    await start();
    const client = await device(protocolVersion);
    expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('sent');
    await until('it to be noticed', () => problemOf(client).includes(UNLOCK));
    rules('topic readwrite #');
    broker.reload();
    await until('health to be well again', () => {
      client.publish('unlock', { door: 'main' }, unlock(2));
      return client.health.problem === null;
    });
    rules(`topic deny ${ROOT}/event/+/unlock`, 'topic readwrite #');
    broker.reload();
    await until('it to be noticed for sure', () => {
      client.publish('unlock', { door: 'main' }, unlock(3));
      return problemOf(client).includes(`did not pass it on: ${UNLOCK}`);
    });
  });

  it('MQTT 3.1.1: a broker that forbids reading holds nothing up, and it is said that nothing can be confirmed', async () => {
    rules(`topic readwrite ${ROOT}/status`, `topic write ${ROOT}/#`, `topic read ${ROOT}/command/+`);
    await start();
    const client = await device(4);
    const observer = await watch();
    for (let seq = 1; seq <= 5; seq++) client.publish('decision', { door: 'main' }, decision(seq));
    await until('all of them', () => {
      client.wake();
      return client.stats.queued === 0;
    });
    expect([...new Set(observer.json(DECISION).map(({ seq }) => seq))]).toEqual([1, 2, 3, 4, 5]);
    expect(problemOf(client)).toContain(`it cannot be confirmed that the broker passes it on: ${DECISION}`);
    expect(client.health.problem?.remedy).toContain('read them too');
  });

  it('MQTT 5: what is larger than the broker takes is not sent but named, and the connection stays', async () => {
    rules('topic readwrite #');
    await start('max_packet_size 2000');
    const client = await device(5);
    const observer = await watch();
    const bytes = announce(client);
    await until('it to be named', () => problemOf(client).includes(DISCOVERY));
    expect(problemOf(client)).toMatch(/\(\d+ bytes, at most 2000\)/);
    expect(Number(/\((\d+) bytes/.exec(problemOf(client))?.[1])).toBeGreaterThan(bytes);
    client.publish('decision', { door: 'main' }, decision(1));
    await until('the decision', () => observer.on(DECISION).length === 1);
    expect(client.stats.connects).toBe(1);
  });

  it('MQTT 3.1.1: what the broker cuts the connection for is named after some times, and left out', async () => {
    rules('topic readwrite #');
    await start('max_packet_size 2000');
    const client = await device(4);
    const observer = await watch();
    announce(client);
    await until('it to be named', () => problemOf(client).includes(DISCOVERY), { ms: 30_000 });
    expect(problemOf(client)).toContain('the broker cut the connection 5 times when it came');
    await until('the device', () => client.hears);
    const { connects } = client.stats;
    client.publish('decision', { door: 'main' }, decision(1));
    await until('the decision', () => observer.on(DECISION).length === 1 && client.stats.queued === 0);
    expect(client.stats.connects).toBe(connects);
  });

  it('MQTT 3.1.1: what the broker drops for its size without a word is missed', async () => {
    rules('topic readwrite #');
    await start('message_size_limit 2000');
    const client = await device(4);
    announce(client);
    await until('it to be named', () => problemOf(client).includes(DISCOVERY));
    expect(problemOf(client)).toContain('published, and');
  });
});
