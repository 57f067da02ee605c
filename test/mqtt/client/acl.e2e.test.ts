import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';
import { MqttClient as BoxClient } from '../../../src/mqtt/client/client';
import { type TopicKey, TOPICS } from '../../../src/mqtt/topics/topics';
import { filterOf, topicOf } from '../../../src/mqtt/topics/topic-names';
import { packageRoot } from '../../../src/system/paths';
import { Authority } from '../../support/certificates';
import { until } from '../../support/until';
import { describeWithMosquitto, freePort, Mosquitto } from '../../support/mosquitto';

const ROLES = [
  'entrance-1',
  'back-2',
  'reader-1',
  'contact-front',
  'actuator-front',
  'fleet',
  'home-assistant',
] as const;
type Role = (typeof ROLES)[number];

const NOT_AUTHORISED = 135;
const BOX = 'usher/v1/gym/entrance-1';
const base = { site: 'gym', device: 'entrance-1', discoveryPrefix: 'homeassistant' };
const boxes: readonly Role[] = ['entrance-1'];
const overseers: readonly Role[] = ['fleet', 'home-assistant'];

/** Each topic of the box: who may publish on it, and who hears what is published there. */
const RULES: readonly (readonly [topic: string, publish: readonly Role[], hear: readonly Role[]])[] = [
  [`${BOX}/status`, boxes, ['entrance-1', 'actuator-front', ...overseers]],
  [`${BOX}/health/camera`, boxes, ['entrance-1', ...overseers]],
  [`${BOX}/health/actuator-front`, ['entrance-1', 'actuator-front'], ['entrance-1', ...overseers]],
  [`${BOX}/state/door/front`, boxes, ['entrance-1', ...overseers]],
  [`${BOX}/state/scene/cam`, boxes, ['entrance-1', ...overseers]],
  [`${BOX}/state/model/cam`, boxes, ['entrance-1', ...overseers]],
  [`${BOX}/event/front/decision`, boxes, ['entrance-1', ...overseers]],
  [`${BOX}/event/front/alarm`, boxes, ['entrance-1', 'fleet']],
  [`${BOX}/event/front/unlock`, boxes, ['entrance-1', 'actuator-front']],
  [`${BOX}/event/back/unlock`, boxes, boxes],
  [`${BOX}/event/mic/activation`, boxes, ['entrance-1', 'home-assistant']],
  [`${BOX}/in/reader-1/swipe`, ['reader-1'], ['entrance-1']],
  [`${BOX}/in/reader-2/swipe`, [], []],
  [`${BOX}/in/front/contact`, ['contact-front'], ['entrance-1']],
  [`${BOX}/in/back/contact`, [], []],
  [`${BOX}/command/ping`, ['fleet'], ['entrance-1']],
  [`${BOX}/command/result`, ['entrance-1'], ['entrance-1', 'fleet']],
  [`${BOX}/audit/head`, boxes, ['entrance-1', 'fleet']],
  [`${BOX}/update/desired`, ['fleet'], ['entrance-1']],
  [`${BOX}/update/reported`, boxes, ['entrance-1', 'fleet']],
  [`${BOX}/update/data/x/1`, [], []],
  ['usher/v1/fleet/canary/update/desired', ['fleet'], ROLES],
  ['usher/v1/fleet/all/update/data/x/1', ['fleet'], ROLES],
  ['usher/v1/gym/back-2/event/front/unlock', ['back-2'], ['back-2']],
  ['usher/v1/gym/back-2/in/reader-1/swipe', [], []],
  ['homeassistant/device/usher_gym_entrance-1/config', boxes, ['entrance-1', 'home-assistant']],
  ['homeassistant/device/usher_gym_back-2/config', ['back-2'], ['back-2', 'home-assistant']],
  ['usher/v1/pool/entrance-1/status', [], []],
  ['elsewhere', [], []],
  ['cmnd/front-door/POWER1', [], []],
];

/** The committed configuration, with the folder and the listener of this test. */
function committed(authority: Authority, port: number): { config: string; lines: string[] } {
  const folder = path.join(packageRoot(), 'device-config', 'mosquitto');
  const config = readFileSync(path.join(folder, 'mosquitto.conf'), 'utf8');
  const lines = config
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('persistence'))
    .map((line) => line.replace('/etc/mosquitto/usher/acl', path.join(folder, 'acl')))
    .map((line) => line.replace('/etc/mosquitto/usher/', `${authority.folder}/`))
    .map((line) => (line === 'listener 8883' ? `listener ${port} 127.0.0.1` : line));
  return { config, lines };
}

describeWithMosquitto('the access rules in device-config/mosquitto', () => {
  let authority: Authority;
  let broker: Mosquitto;
  let port: number;
  const clients = new Map<Role | 'witness', MqttClient>();
  const heard = new Map<Role, string[]>();

  const join = (name: string, options: object = {}): Promise<MqttClient> =>
    new Promise((resolve, reject) => {
      const client = connect(`mqtts://127.0.0.1:${port}`, {
        protocolVersion: 5,
        reconnectPeriod: 0,
        ca: authority.read('ca.pem'),
        cert: authority.read(`${name}.pem`),
        key: authority.read(`${name}.key`),
        ...options,
      });
      client.once('connect', () => resolve(client));
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });

  beforeAll(async () => {
    authority = new Authority();
    authority.issue('broker', 'subjectAltName=IP:127.0.0.1');
    for (const role of [...ROLES, 'stranger']) authority.issue(role);
    port = await freePort();
    broker = new Mosquitto(committed(authority, port).lines);
    await broker.start();
    for (const role of ROLES) {
      const client = await join(role);
      const messages: string[] = [];
      client.on('message', (_topic, payload) => messages.push(payload.toString()));
      // As much as can be asked for: what is not heard then is held back by the broker.
      await client.subscribeAsync('#', { qos: 1 });
      clients.set(role, client);
      heard.set(role, messages);
    }
  });

  afterAll(async () => {
    for (const client of clients.values()) await client.endAsync(true);
    await broker.dispose();
    authority.remove();
  });

  /** The reason code that the broker gives the publisher. */
  const publish = (role: Role, topic: string, payload: string): Promise<number> =>
    new Promise((resolve) => {
      clients.get(role)?.publish(topic, payload, { qos: 1 }, (error, packet) => {
        const code =
          (error as { code?: number } | null)?.code ?? (packet as IPublishPacket & { reasonCode?: number }).reasonCode;
        resolve(code ?? 0);
      });
    });

  /** The broker writes to a client in order: its answer to this comes after all that was delivered to it before. */
  async function settle(): Promise<void> {
    for (const role of ROLES) await publish(role, 'barrier', '');
  }

  it.each(RULES)('%s', async (topic, mayPublish, mayHear) => {
    for (const role of ROLES) {
      const payload = `${role} ${topic}`;
      const code = await publish(role, topic, payload);
      expect([role, code]).toEqual([role, mayPublish.includes(role) ? expect.any(Number) : NOT_AUTHORISED]);
      if (!mayPublish.includes(role)) continue;
      // 16: taken, and nobody listens.
      expect([0, 16]).toContain(code);
    }
    await settle();
    const listeners = ROLES.filter((role) => heard.get(role)?.some((payload) => payload.endsWith(` ${topic}`)));
    expect(listeners).toEqual(mayPublish.length === 0 ? [] : ROLES.filter((role) => mayHear.includes(role)));
    // What was refused was delivered to nobody.
    const authors = ROLES.flatMap((role) => heard.get(role) ?? []).filter((payload) => payload.endsWith(` ${topic}`));
    for (const payload of authors) expect(mayPublish).toContain(payload.split(' ')[0]);
  });

  it('let a box publish on all of its topics, and hear all that it listens to', () => {
    const anything = {
      component: 'x',
      door: 'x',
      camera: 'x',
      reader: 'x',
      verb: 'x',
      microphone: 'x',
      group: 'x',
      file: 'x',
      part: 'x',
    };
    const rules = readFileSync(path.join(packageRoot(), 'device-config/mosquitto/acl'), 'utf8');
    const patterns = [...rules.matchAll(/^pattern (write|read|readwrite) (\S+)$/gm)].map(([, access, topic]) => ({
      access: access ?? '',
      covers: new RegExp(`^${(topic ?? '').replace('%u', 'entrance-1').replaceAll('+', '[^/]+').replace('#', '.+')}$`),
    }));
    for (const key of Object.keys(TOPICS) as TopicKey[]) {
      const out = TOPICS[key].direction === 'out';
      const topic = out ? topicOf(key, anything, base) : filterOf(key, base).replaceAll('+', 'x');
      const found = patterns.some(
        ({ access, covers }) => access.includes(out ? 'write' : 'read') && covers.test(topic),
      );
      expect([topic, found]).toEqual([topic, true]);
      // What it says, it hears: so it notices a broker that swallows it.
      const heard = patterns.some(({ access, covers }) => access.includes('read') && covers.test(topic));
      expect([topic, heard]).toEqual([topic, true]);
    }
  });

  it('refuse whoever shows no certificate, and give one of another name nothing but its own namespace', async () => {
    await expect(join('entrance-1', { cert: undefined, key: undefined })).rejects.toThrow();
    const stranger = await join('stranger', { username: 'fleet', password: 'x' });
    const codes: number[] = [];
    for (const [topic] of RULES)
      codes.push(
        await new Promise<number>((resolve) =>
          stranger.publish(topic, 'x', { qos: 1 }, (error) => resolve((error as { code?: number } | null)?.code ?? 0)),
        ),
      );
    expect(new Set(codes)).toEqual(new Set([NOT_AUTHORISED]));
    await stranger.endAsync(true);
  });

  it('let a box make its two connections, and no other certificate take the place of one', async () => {
    const swipes: string[] = [];
    const device = new BoxClient({
      ...base,
      url: `mqtts://127.0.0.1:${port}`,
      bootId: randomUUID(),
      caFile: path.join(authority.folder, 'ca.pem'),
      certFile: path.join(authority.folder, 'entrance-1.pem'),
      keyFile: path.join(authority.folder, 'entrance-1.key'),
    });
    device.subscribe('swipe', ({ payload }) => swipes.push(payload.id));
    device.start();
    await until('both connections', () => device.hears);
    for (const clientId of ['usher-gym-entrance-1', 'usher-gym-entrance-1-door', 'entrance-1']) {
      const thief = await join('stranger', { clientId });
      await publish('reader-1', `${BOX}/in/reader-1/swipe`, JSON.stringify({ v: 1, id: clientId, at: Date.now() }));
      await until('the swipe', () => swipes.includes(clientId));
      await thief.endAsync(true);
    }
    expect(device.health).toEqual({ state: 'connected', problem: null });
    expect(device.stats.connects).toBe(1);
    await device.stop();
  });
});
