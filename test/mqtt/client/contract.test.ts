import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { MqttClient } from '../../../src/mqtt/client/client';
import type { MqttClientOptions } from '../../../src/mqtt/client/client-options';
import { discoveryOf } from '../../../src/mqtt/topics/discovery';
import { describeWithMosquitto } from '../../support/mosquitto';
import { BASE, BROKERS, Cable, Observer, ROOT, type TestBroker, makeClient } from '../harness';
import { until } from '../../support/until';
import { decision, unlock } from '../samples';

const STATUS = `${ROOT}/status`;
const UNLOCK = `${ROOT}/event/main/unlock`;
const DECISION = `${ROOT}/event/main/decision`;
const DOOR = `${ROOT}/state/door/main`;

for (const { name, make, protocolVersion } of BROKERS) {
  describeWithMosquitto(`a device on the ${name}`, () => {
    let broker: TestBroker;
    let cable: Cable;
    const clients: MqttClient[] = [];
    const observers: Observer[] = [];

    const device = (options: Partial<MqttClientOptions> = {}): MqttClient => {
      const client = makeClient(cable.url, { protocolVersion, ...options });
      clients.push(client);
      return client;
    };
    const observe = async (filter = '#', qos: 0 | 1 = 1, lasting?: string): Promise<Observer> => {
      const observer = new Observer(broker.url, filter, qos, lasting);
      observers.push(observer);
      return observer.connected();
    };
    const online = async (client: MqttClient): Promise<void> => {
      client.start();
      await until('the device to connect', () => client.connected);
    };

    beforeEach(async () => {
      broker = make();
      await broker.start();
      cable = new Cable(() => broker.port);
      await cable.restore();
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.stop()));
      await Promise.all(observers.splice(0).map((observer) => observer.close()));
      await cable.cut();
      await broker.dispose();
    });

    it('shows its status and state to a subscriber who comes late, retained', async () => {
      const bootId = randomUUID();
      const client = device({ bootId });
      await online(client);
      client.publish('doorState', { door: 'main' }, { v: 1, door: 'main', state: 'idle', at: 5 });
      const first = await observe();
      await until('the state', () => first.on(DOOR).length > 0);
      const late = await observe();
      await until('status and state', () => late.on(STATUS).length > 0 && late.on(DOOR).length > 0);
      expect(late.on(STATUS)[0]?.retain).toBe(true);
      expect(late.json(STATUS)[0]).toMatchObject({ v: 1, state: 'online', bootId });
      expect(late.on(DOOR)[0]?.retain).toBe(true);
      expect(late.json(DOOR)[0]).toEqual({ v: 1, door: 'main', state: 'idle', at: 5 });
    });

    it('announces itself to Home Assistant, and takes that back', async () => {
      const topic = 'homeassistant/device/usher_lyon_front/config';
      const client = device();
      const payload = discoveryOf({
        base: BASE,
        version: '1',
        doors: [{ id: 'main' }],
        cameras: [],
        doorStates: ['idle'],
      });
      client.publish('discovery', {}, payload);
      await online(client);
      const observer = await observe(topic);
      await until('the announcement', () => observer.on(topic).length > 0);
      expect(observer.json(topic)[0]).toEqual(payload);
      client.clear('discovery', {});
      await until('the end of it', () => observer.on(topic).at(-1)?.text === '');
      const late = await observe();
      await until('the status', () => late.on(STATUS).length > 0);
      expect(late.on(topic)).toEqual([]);
    });

    it('says offline when it stops, and its will of the same birth when it is killed', async () => {
      const observer = await observe(STATUS);
      const client = device();
      await online(client);
      await until('online', () => observer.json(STATUS).at(-1)?.['state'] === 'online');
      await client.stop();
      await until('offline', () => observer.json(STATUS).at(-1)?.['state'] === 'offline');
      expect(client.health.state).toBe('stopped');

      const bootId = randomUUID();
      const child = spawn(
        process.execPath,
        [
          '-r',
          path.join(__dirname, '../../support/run-ts.cjs'),
          path.join(__dirname, '../child.ts'),
          broker.url,
          bootId,
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      const ours = (state: string) =>
        observer.json(STATUS).find((status) => status['bootId'] === bootId && status['state'] === state);
      await until('the child to be online', () => ours('online') !== undefined, { ms: 25_000 });
      child.kill('SIGKILL');
      await until('the last will', () => ours('offline') !== undefined);
      expect(ours('offline')?.['birth']).toBe(ours('online')?.['birth']);
      const late = await observe(STATUS);
      await until('the retained will', () => late.on(STATUS).length > 0);
      expect(late.json(STATUS)[0]).toMatchObject({ state: 'offline', bootId });
    });

    it('is born higher at every connection, and its state comes back after the broker lost everything', async () => {
      const client = device();
      await online(client);
      client.publish('doorState', { door: 'main' }, { v: 1, door: 'main', state: 'idle', at: 1 });
      client.publish('doorState', { door: 'main' }, { v: 1, door: 'main', state: 'watching', at: 2 });
      const before = await observe(STATUS);
      await until('online', () => before.on(STATUS).length > 0);
      const birth = before.json(STATUS).at(-1)?.['birth'] as number;
      await cable.cut();
      await until('the device to notice', () => !client.connected);
      expect(client.publish('doorState', { door: 'side' }, { v: 1, door: 'side', state: 'idle', at: 3 })).toBe('kept');
      await broker.stop();
      await broker.start();
      await cable.restore();
      await until('the device to return', () => client.connected);
      const late = await observe();
      await until('its state', () => late.on(`${ROOT}/state/door/side`).length > 0 && late.on(DOOR).length > 0);
      // Who subscribes while the device says it again hears it twice, kept and live; never the older one.
      for (const state of late.json(DOOR)) expect(state).toEqual({ v: 1, door: 'main', state: 'watching', at: 2 });
      await until('status', () => late.on(STATUS).length > 0);
      expect(late.json(STATUS).at(-1)).toMatchObject({ state: 'online' });
      expect(late.json(STATUS).at(-1)?.['birth']).toBeGreaterThan(birth);
    });

    it('never delivers an unlock of the time without connection, while decisions of that time arrive once and in order', async () => {
      const client = device();
      await online(client);
      expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('sent');
      await cable.cut();
      await until('the device to notice', () => !client.connected);
      // For a lasting session a broker would even keep QoS 1 messages while the subscriber is away.
      const lasting = await observe('usher/#', 1, `lasting-${randomUUID()}`);
      await lasting.raw.endAsync();
      for (let seq = 2; seq <= 21; seq++) {
        expect(client.publish('unlock', { door: 'main' }, unlock(seq))).toBe('dropped');
        expect(client.publish('commandResult', {}, { v: 1, id: `late-${seq}`, verb: 'ping', ok: true })).toBe(
          'dropped',
        );
        expect(client.publish('decision', { door: 'main' }, decision(seq))).toBe('queued');
      }
      expect(client.stats).toMatchObject({ dropped: 40, queued: 20 });
      const qos0 = await observe('usher/#', 0);
      const qos1 = await observe('usher/#', 1);
      await cable.restore();
      await until('the decisions', () => qos1.on(DECISION).length >= 20 && qos0.on(DECISION).length >= 20);
      // A fence: what the device sent before it has arrived before it.
      client.publish('unlock', { door: 'main' }, unlock(100));
      await until('the fence', () => qos1.on(UNLOCK).length > 0 && qos0.on(UNLOCK).length > 0);
      const expected = Array.from({ length: 20 }, (_, index) => index + 2);
      for (const observer of [qos0, qos1]) {
        expect(observer.json(DECISION).map((message) => message['seq'])).toEqual(expected);
        expect(observer.json(UNLOCK).map((message) => message['seq'])).toEqual([100]);
        expect(observer.on(`${ROOT}/command/result`)).toEqual([]);
        expect(observer.on(UNLOCK)[0]?.retain).toBe(false);
      }
      const returned = await observe('usher/#', 1, lasting.raw.options.clientId);
      await until('the kept decisions', () => returned.on(DECISION).length >= 20);
      expect(returned.on(UNLOCK)).toEqual([]);
      const late = await observe('usher/#', 1);
      await until('the retained status', () => late.on(STATUS).length > 0);
      expect(late.on(UNLOCK)).toEqual([]);
      expect(late.on(DECISION)).toEqual([]);
      expect(client.stats.queued).toBe(0);
    });

    it('waits for a broker that is down at the start, and says so', async () => {
      await broker.stop();
      await cable.cut();
      const client = device();
      client.publish('doorState', { door: 'main' }, { v: 1, door: 'main', state: 'idle', at: 1 });
      client.publish('decision', { door: 'main' }, decision(1));
      client.start();
      await until('a problem', () => client.health.problem !== null);
      expect(client.health.state).toBe('failed');
      expect(client.health.problem?.message).toContain('nothing listens there');
      expect(client.health.problem?.remedy).toContain('mqtt.broker.url');
      await broker.start();
      const observer = await observe();
      await cable.restore();
      await until('state and decision', () => observer.on(DOOR).length > 0 && observer.on(DECISION).length > 0);
      expect(client.health).toEqual({ state: 'connected', problem: null });
    });

    it('puts its status right when an older one is written over it, and rises above a newer one', async () => {
      const client = device();
      const observer = await observe(STATUS);
      await online(client);
      await until('online', () => observer.on(STATUS).length > 0);
      const birth = observer.json(STATUS).at(-1)?.['birth'] as number;
      const foreign = { v: 1, state: 'offline', bootId: randomUUID(), at: 1 };
      await observer.publish(STATUS, JSON.stringify({ ...foreign, birth: birth - 1 }), { retain: true });
      await until('the repair', () => observer.on(STATUS).length >= 3);
      expect(observer.json(STATUS).at(-1)).toMatchObject({ state: 'online', birth });

      const ahead = birth + 1e12;
      await observer.publish(STATUS, JSON.stringify({ ...foreign, birth: ahead }), { retain: true });
      await until('a higher birth', () => observer.json(STATUS).at(-1)?.['birth'] === ahead + 1);
      expect(observer.json(STATUS).at(-1)).toMatchObject({ state: 'online' });
      await observer.publish(STATUS, '', { retain: true });
      await until('the repair of a cleared status', () => observer.seen.at(-1)?.text.includes('online') === true);
    });

    it('rises above the status that it finds when its clock has gone back', async () => {
      const first = device();
      await online(first);
      await first.stop();
      const second = device({ now: () => 1000 });
      await online(second);
      const observer = await observe(STATUS);
      await until('a birth above it', () => {
        const seen = observer.json(STATUS).at(-1);
        return seen?.['state'] === 'online' && Number(seen['birth']) > 1e12;
      });
    });

    it('stops within its deadline when the network is frozen, and drops what is momentary once the socket is full', async () => {
      const client = device({ limits: { stopMs: 300 } });
      await online(client);
      cable.freeze();
      const big = { v: 1 as const, id: 'x', verb: 'ping', ok: true, result: 'x'.repeat(64 * 1024) };
      await until('a full socket', () => client.publish('commandResult', {}, big) === 'dropped');
      // The connection for the door has a socket of its own.
      const fill = (): boolean =>
        Array.from({ length: 2000 }, () => client.publish('unlock', { door: 'main' }, unlock(1))).at(-1) === 'dropped';
      await until('a full socket of the door', fill);
      client.publish('decision', { door: 'main' }, decision(1));
      await client.stop();
      expect(client.health.state).toBe('stopped');
      expect(client.connected).toBe(false);
    });

    it('can be stopped before it was ever connected, twice, and at once after the start', async () => {
      const client = device();
      client.start();
      await Promise.all([client.stop(), client.stop()]);
      expect(client.health.state).toBe('stopped');
      expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('dropped');
    });
  });
}
