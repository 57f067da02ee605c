import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { z } from 'zod';
import { type MqttClient } from '../../../src/mqtt/client/client';
import { CommandRegistry } from '../../../src/mqtt/requests/commands';
import { InboundRouter, type Rejection } from '../../../src/mqtt/inbound/inbound';
import { MQTT_LIMITS } from '../../../src/mqtt/topics/limits';
import { type SwipePayload } from '../../../src/mqtt/topics/payloads';
import { TOPICS } from '../../../src/mqtt/topics/topics';
import { SwipeGate, takeInputs } from '../../../src/mqtt/requests/swipes';
import { describeWithMosquitto } from '../../support/mosquitto';
import { BASE, BROKERS, Observer, ROOT, type TestBroker, makeClient } from '../harness';
import { until } from '../../support/until';
import { desired, swipe } from '../samples';

const SWIPE = `${ROOT}/in/card/swipe`;
const good = { v: 1, id: '04A2:11', at: 1_800_000_000_000 };
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const MALFORMED: [name: string, payload: string | Buffer, reason: string][] = [
  ['nothing', '', 'not-json'],
  ['text', 'open', 'not-json'],
  ['half a document', '{"v":1,"id":"4711"', 'not-json'],
  ['two documents', '{} {}', 'not-json'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'not-utf8'],
  ['a surrogate half', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not-utf8'],
  ['too much', JSON.stringify({ ...good, id: 'x'.repeat(MQTT_LIMITS.payloadBytes) }), 'oversized'],
  ['too deep', nested(MQTT_LIMITS.payloadDepth + 1), 'too-deep'],
  ['very deep', nested(7000), 'too-deep'],
  ['null', 'null', 'wrong-shape'],
  ['a number', '17', 'wrong-shape'],
  ['a list', '[]', 'wrong-shape'],
  ['an empty object', '{}', 'wrong-shape'],
  ['another version', JSON.stringify({ ...good, v: 2 }), 'wrong-shape'],
  ['a version as text', JSON.stringify({ ...good, v: '1' }), 'wrong-shape'],
  ['no identifier', JSON.stringify({ v: 1, at: 1 }), 'wrong-shape'],
  ['an identifier of 65 characters', JSON.stringify({ ...good, id: 'a'.repeat(65) }), 'wrong-shape'],
  ['a shell in the identifier', JSON.stringify({ ...good, id: '$(reboot)' }), 'wrong-shape'],
  ['a newline in the identifier', JSON.stringify({ ...good, id: 'a\nb' }), 'wrong-shape'],
  ['a numeric identifier', JSON.stringify({ ...good, id: 4711 }), 'wrong-shape'],
  ['a time with a fraction', JSON.stringify({ ...good, at: 1.5 }), 'wrong-shape'],
  ['a time beyond all numbers', '{"v":1,"id":"a","at":1e999}', 'wrong-shape'],
  ['a time as text', JSON.stringify({ ...good, at: 'now' }), 'wrong-shape'],
  ['a negative counter', JSON.stringify({ ...good, counter: -1 }), 'wrong-shape'],
  ['a MAC that is not hexadecimal', JSON.stringify({ ...good, mac: 'zz'.repeat(16) }), 'wrong-shape'],
  ['a key that nobody knows', JSON.stringify({ ...good, member: '1' }), 'wrong-shape'],
  ['a prototype', '{"v":1,"id":"a","at":1,"__proto__":{"admin":true}}', 'wrong-shape'],
];

describe('a router', () => {
  const make = () => {
    const rejections: Rejection[] = [];
    const router = new InboundRouter(BASE, (rejection) => rejections.push(rejection));
    return { router, rejections };
  };
  const bytes = (payload: string | Buffer): Buffer => Buffer.from(payload);

  it.each(MALFORMED)('refuses %s', (_, payload, reason) => {
    const { router, rejections } = make();
    router.on('swipe', () => {
      throw new Error('a malformed swipe got through');
    });
    router.dispatch({ topic: SWIPE, payload: bytes(payload), retain: false, dup: false });
    expect(rejections.map((rejection) => rejection.reason)).toEqual([reason]);
    expect(rejections[0]).toMatchObject({ key: 'swipe', topic: SWIPE });
    expect(router.rejections).toEqual({ [reason]: 1 });
  });

  it('hands over what is well-formed, with the topic’s parameters', () => {
    const { router, rejections } = make();
    const got: unknown[] = [];
    router.on('swipe', ({ params, payload, dup }) => got.push([params.reader, payload, dup]));
    router.dispatch({ topic: SWIPE, payload: bytes(JSON.stringify(good)), retain: false, dup: true });
    expect(got).toEqual([['card', good, true]]);
    expect(rejections).toEqual([]);
  });

  it.each([
    ['retained', SWIPE, true],
    ['unknown-topic', `${ROOT}/in/a.b/swipe`, false],
    ['unknown-topic', `${ROOT}/in//swipe`, false],
    ['unknown-topic', `${ROOT}/in/card/swipe/more`, false],
    ['unknown-topic', `usher/v1/lyon/back/in/card/swipe`, false],
  ])('refuses as %s: %s', (reason, topic, retain) => {
    const { router, rejections } = make();
    const handler = jest.fn();
    router.on('swipe', handler);
    router.dispatch({ topic, payload: bytes(JSON.stringify(good)), retain, dup: false });
    expect(handler).not.toHaveBeenCalled();
    expect(rejections.map((rejection) => rejection.reason)).toEqual([reason]);
  });

  it('reports a handler that throws, and a topic fit for a log', () => {
    const { router, rejections } = make();
    router.on('swipe', () => {
      throw new Error('no');
    });
    router.dispatch({ topic: SWIPE, payload: bytes(JSON.stringify(good)), retain: false, dup: false });
    router.dispatch({ topic: `x\u001b[31m${'y'.repeat(500)}`, payload: bytes('{}'), retain: false, dup: false });
    expect(rejections[0]).toMatchObject({ reason: 'handler-failed', detail: 'no' });
    expect(rejections[1]?.topic).toMatch(/^x\?\[31my{1,195}…$/);
  });

  it('hears a retained state, of the groups that were asked for alone', () => {
    const { router, rejections } = make();
    const heard: string[] = [];
    router.on('fleetDesired', ({ params }) => heard.push(params.group), { group: ['all', 'gyms'] });
    expect(router.filters(() => true)).toEqual([
      { filter: 'usher/v1/fleet/all/update/desired', qos: 1 },
      { filter: 'usher/v1/fleet/gyms/update/desired', qos: 1 },
    ]);
    const payload = Buffer.from(JSON.stringify(desired()));
    for (const group of ['all', 'pools', 'gyms'])
      router.dispatch({ topic: `usher/v1/fleet/${group}/update/desired`, payload, retain: true, dup: false });
    expect(heard).toEqual(['all', 'gyms']);
    expect(rejections.map(({ reason }) => reason)).toEqual(['unknown-topic']);
  });

  const momentary = ['swipe', 'contact', 'command'] as const;
  it.each(momentary)('survives anything on %s, and lets nothing through that the schema refuses', (key) => {
    const { router, rejections } = make();
    let delivered = 0;
    router.on(key, ({ payload }) => {
      delivered++;
      expect(TOPICS[key].payload.safeParse(payload).success).toBe(true);
    });
    let sent = 0;
    const topic = { swipe: SWIPE, contact: `${ROOT}/in/main/contact`, command: `${ROOT}/command/ping` }[key];
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({
          v: fc.constantFrom(1, 2, '1'),
          id: fc.oneof(fc.string(), fc.constant('a1')),
          at: fc.oneof(fc.nat(), fc.anything()),
        })
        .map(({ id, ...rest }) => (key === 'contact' ? { ...rest, open: id === 'a1' } : { ...rest, id }))
        .map((value) => Buffer.from(safeJson(value))),
    );
    fc.assert(
      fc.property(anything, fc.boolean(), (payload, retain) => {
        sent++;
        router.dispatch({ topic, payload, retain, dup: false });
      }),
      { numRuns: 1000 },
    );
    expect(delivered + rejections.length).toBe(sent);
    expect(delivered).toBeGreaterThan(0);
  });
});

for (const { name, make, protocolVersion } of BROKERS) {
  describeWithMosquitto(`messages through the ${name}`, () => {
    let broker: TestBroker;
    let client: MqttClient;
    let peer: Observer;
    let rejections: Rejection[];
    let swipes: string[];

    beforeEach(async () => {
      broker = make();
      await broker.start();
      rejections = [];
      swipes = [];
      client = makeClient(broker.url, { protocolVersion, rejected: (rejection) => rejections.push(rejection) });
      const gate = new SwipeGate();
      const judge = (reader: string, message: SwipePayload) => {
        if (reader !== 'card') return { reason: 'unknown-reader' as const, detail: '' };
        const verdict = gate.judge(reader, message, Date.now());
        return verdict === 'fresh' ? null : { reason: verdict, detail: '' };
      };
      takeInputs(
        client,
        { swipe: judge, contact: () => null },
        { swipe: (reader, { id }) => swipes.push(`${reader} ${id}`), contact: () => undefined },
        { readers: ['card'], doors: ['main'] },
      );
      peer = await new Observer(broker.url, `${ROOT}/command/result`).connected();
    });

    afterEach(async () => {
      await client.stop();
      await peer.close();
      await broker.dispose();
    });

    /** Swipes until one gets through: from then on the subscription stands. */
    const listening = async (): Promise<void> => {
      const probe = setInterval(() => void peer.publish(SWIPE, JSON.stringify(swipe(`probe-${randomUUID()}`))), 20);
      await until('the subscription', () => swipes.length > 0);
      clearInterval(probe);
    };

    it('refuses a swipe that was left on the broker, and takes a fresh one', async () => {
      await peer.publish(SWIPE, JSON.stringify(swipe('retained')), { retain: true });
      client.start();
      await until('the refusal', () => rejections.length > 0);
      expect(rejections.map((rejection) => rejection.reason)).toEqual(['retained']);
      await peer.publish(SWIPE, JSON.stringify(swipe('fresh')));
      await until('the fresh swipe', () => swipes.includes('card fresh'));
      expect(swipes).toEqual(['card fresh']);
    });

    it('answers commands on command/result, and refuses one that was left on the broker', async () => {
      const commands = new CommandRegistry(client);
      commands.onCommand('ping', z.strictObject({}), () => ({ pong: true }));
      commands.start();
      await peer.publish(`${ROOT}/command/ping`, JSON.stringify({ v: 1, id: 'old' }), { retain: true });
      client.start();
      await until('the refusal', () => rejections.length > 0);
      await peer.publish(`${ROOT}/command/ping`, JSON.stringify({ v: 1, id: 'new' }));
      await peer.publish(`${ROOT}/command/unlock`, JSON.stringify({ v: 1, id: 'open', door: 'main' }));
      await peer.publish(`${ROOT}/command/ping`, '{"v":1}');
      const answers = () => peer.json(`${ROOT}/command/result`);
      await until('the answers', () => answers().length >= 2 && rejections.length >= 2);
      // Each is answered when it is done.
      expect(answers().sort((a, b) => String(a['id']).localeCompare(String(b['id'])))).toEqual([
        { v: 1, id: 'new', verb: 'ping', ok: true, result: { pong: true } },
        { v: 1, id: 'open', verb: 'unlock', ok: false, error: { code: 'unknown-command', message: 'there is: ping' } },
      ]);
      expect(rejections.map(({ reason }) => reason)).toEqual(['retained', 'wrong-shape']);
    });

    it('refuses every malformed, stale, repeated or misdirected swipe, and goes on', async () => {
      client.start();
      await listening();
      swipes.length = 0;
      const twice = JSON.stringify(swipe('twice'));
      await peer.publish(SWIPE, twice);
      await peer.publish(SWIPE, twice);
      await peer.publish(SWIPE, JSON.stringify(swipe('stale', Date.now() - 60_000)));
      await peer.publish(SWIPE, JSON.stringify(swipe('early', Date.now() + 60_000)));
      await peer.publish(`${ROOT}/in/other/swipe`, JSON.stringify(swipe('elsewhere')));
      for (const [, payload] of MALFORMED) await peer.publish(SWIPE, payload);
      await peer.publish(SWIPE, JSON.stringify(swipe('last')));
      await until('the last swipe', () => swipes.includes('card last'));
      expect(swipes.filter((seen) => !seen.includes('probe'))).toEqual(['card twice', 'card last']);
      expect(rejections.map((rejection) => rejection.reason)).toEqual([
        'duplicate',
        'stale',
        'from-future',
        'unknown-reader',
        ...MALFORMED.map(([, , reason]) => reason),
      ]);
      expect(client.connected).toBe(true);
      expect(client.stats.connects).toBe(1);
    });
  });
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
  } catch {
    return '{}';
  }
}
