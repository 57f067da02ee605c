import { type Socket, connect as dial } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsherError } from '../../../src/errors';
import { connect } from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { EmbeddedBroker } from '../../../src/mqtt/broker/broker';
import { BrokerRules } from '../../../src/mqtt/broker/broker-rules';
import { BROKER_LIMITS } from '../../../src/mqtt/topics/limits';
import { Observer } from '../harness';
import { until } from '../../support/until';

describe('EmbeddedBroker', () => {
  const brokers: EmbeddedBroker[] = [];
  const observers: Observer[] = [];
  const refusals: string[] = [];

  const start = async (port = 0): Promise<EmbeddedBroker> => {
    const broker = new EmbeddedBroker({ port, refused: (_, why) => refusals.push(why) });
    brokers.push(broker);
    await broker.start();
    return broker;
  };
  const observe = async (broker: EmbeddedBroker, filter = '#'): Promise<Observer> => {
    const observer = new Observer(broker.url, filter);
    observers.push(observer);
    return observer.connected();
  };

  afterEach(async () => {
    await Promise.all(observers.splice(0).map((observer) => observer.close()));
    await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
    refusals.length = 0;
  });

  it('takes a free port and says which; starts and stops as often as wanted', async () => {
    const broker = await start();
    expect(broker.port).toBeGreaterThan(0);
    await broker.start();
    await broker.stop();
    expect(broker.port).toBeNull();
    expect(() => broker.url).toThrow(UsherError);
    await broker.stop();
    await broker.start();
    await observe(broker);
    expect(broker.clients).toBe(1);
  });

  it('says who should do what when its port is taken', async () => {
    const first = await start();
    const second = new EmbeddedBroker({ port: first.port ?? 0 });
    const error: unknown = await second.start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsherError);
    expect(error).toMatchObject({ code: 'broker-failed' });
    expect((error as UsherError).message).toContain(`127.0.0.1:${first.port} is in use`);
    expect((error as UsherError).remedy).toMatch(/systemctl stop mosquitto.*mqtt\.broker\.port.*external/);
    await first.stop();
    await second.start();
    expect(second.port).toBeGreaterThan(0);
    await second.stop();
  });

  it('is deaf to other machines', async () => {
    const broker = await start();
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((found) => found?.family === 'IPv4' && !found.internal)
      .map((found) => found?.address ?? '');
    for (const host of [...others, '127.0.0.2']) {
      const outcome = await new Promise<string>((resolve) => {
        const socket = dial(broker.port ?? 0, host);
        socket.once('connect', () => {
          socket.destroy();
          resolve('connected');
        });
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
      expect(outcome).not.toBe('connected');
    }
  });

  it('cuts off who sends too large a packet, and nobody else notices', async () => {
    const broker = await start();
    const bystander = await observe(broker);
    const flood = await observe(broker, 'none');
    const cut = new Promise<void>((resolve) => flood.raw.once('close', resolve));
    flood.raw.publish('big', Buffer.alloc(BROKER_LIMITS.packetBytes + 1));
    await cut;
    expect(refusals.some((why) => why.includes(`at most ${BROKER_LIMITS.packetBytes}`))).toBe(true);
    await bystander.publish('small', 'still here');
    await until('the small message', () => bystander.on('small').length > 0);
    expect(bystander.on('big')).toEqual([]);
    await bystander.publish('fits', Buffer.alloc(BROKER_LIMITS.packetBytes - 100));
    await until('the one that fits', () => bystander.on('fits').length > 0);
  });

  it('survives noise, half packets and clients that never say CONNECT', async () => {
    const broker = await start();
    for (const noise of ['GET / HTTP/1.1\r\n\r\n', '\x10', '\xff\xff\xff\xff', '\x10\x02\x00\x04', '']) {
      const socket = dial(broker.port ?? 0, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(Buffer.from(noise, 'latin1'));
      await new Promise((resolve) => socket.once('close', resolve));
    }
    const observer = await observe(broker);
    await observer.publish('a', 'b');
    await until('a message', () => observer.on('a').length > 0);
  });

  it('lets nobody speak on $SYS', async () => {
    const broker = await start();
    const observer = await observe(broker);
    const cut = new Promise<void>((resolve) => observer.raw.once('close', resolve));
    observer.raw.publish('$SYS/x/new/clients', 'observer', { qos: 0 });
    await cut;
    expect(refusals.join()).toContain('$SYS');
  });

  it('ends a flood of messages to be kept within its bound, and serves the others', async () => {
    const broker = await start();
    const flood = await observe(broker, 'none');
    const state: { gone: boolean } = { gone: false };
    flood.raw.once('close', () => (state.gone = true));
    const payload = Buffer.alloc(100_000, 'x');
    // Up to a hundred megabytes: the bound is for four.
    for (let i = 0; i < 1000 && !state.gone; i++) {
      flood.raw.publish(`kept/${i}`, payload, { qos: 0, retain: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the flood to be cut off', () => refusals.some((why) => why.includes('to be kept for one client')));
    flood.raw.end(true);
    const witness = await observe(broker, 'kept/#');
    await witness.publish('kept/fence', 'x');
    await until('the fence', () => witness.on('kept/fence').length > 0);
    const bytes = (): number =>
      witness.seen.filter(({ retain }) => retain).reduce((sum, { text }) => sum + text.length, 0);
    await until('what is kept', () => bytes() > 3_500_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(bytes()).toBeLessThanOrEqual(BROKER_LIMITS.retainedBytesOfOne);
  });

  it('has a place for the actuator, whoever sits on all others', async () => {
    const broker = await start();
    const idle: Socket[] = [];
    const open = async (clientId: string | null): Promise<void> => {
      const socket = dial(broker.port ?? 0, '127.0.0.1');
      socket.on('error', () => undefined);
      idle.push(socket);
      await new Promise((resolve) => socket.once('connect', resolve));
      if (clientId !== null)
        socket.write(
          mqttPacket.generate({
            cmd: 'connect',
            clientId,
            protocolId: 'MQTT',
            protocolVersion: 4,
            clean: true,
            keepalive: 0,
          }),
        );
    };
    for (let i = 0; i < 100; i++) await open(`sitter-${i}`);
    for (let i = 0; i < 100; i++) await open(null);
    await until('the places to be taken', () =>
      refusals.some((why) => why.includes('places for such clients are taken')),
    );
    const actuator = connect(broker.url, {
      clientId: 'usher-gym-box-actuator-front-0011223344556677',
      reconnectPeriod: 0,
    });
    const heard: string[] = [];
    actuator.on('message', (_topic, payload) => heard.push(payload.toString()));
    await actuator.subscribeAsync('unlock');
    await actuator.publishAsync('unlock', 'open', { qos: 1 });
    await until('the unlock', () => heard.includes('open'));
    // Those of others, and the actuator.
    expect(broker.clients).toBeLessThanOrEqual(BROKER_LIMITS.places + 1);
    await actuator.endAsync(true);
    for (const socket of idle) socket.destroy();
  });

  it('cuts off who subscribes and does not read, and the others hear again', async () => {
    const broker = await start();
    const deaf = dial(broker.port ?? 0, '127.0.0.1');
    deaf.on('error', () => undefined);
    await new Promise((resolve) => deaf.once('connect', resolve));
    deaf.write(
      mqttPacket.generate({
        cmd: 'connect',
        clientId: 'deaf',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 0,
      }),
    );
    deaf.write(mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'load', qos: 0 }] }));
    deaf.pause();
    const witness = await observe(broker, 'fine');
    const load = connect(broker.url, { reconnectPeriod: 0 });
    load.on('error', () => undefined);
    const payload = Buffer.alloc(200_000);
    const pump = setInterval(() => load.connected && load.publish('load', payload, { qos: 0 }), 5);
    await until('it to be cut off', () => refusals.includes('it does not read what it subscribed to'), { ms: 30_000 });
    clearInterval(pump);
    await witness.publish('fine', 'heard');
    await until('the others to hear', () => witness.on('fine').length > 0);
    load.end(true);
    deaf.destroy();
  });

  it('cuts off who says too much, and grants no subscription beyond its bound', async () => {
    const broker = await start();
    const chatty = await observe(broker, 'none');
    const state: { gone: boolean } = { gone: false };
    chatty.raw.once('close', () => (state.gone = true));
    for (let i = 0; i < 200_000 && !state.gone; i++) {
      chatty.raw.publish('noise', 'x', { qos: 0 });
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('it to be cut off', () => refusals.some((why) => why.includes('messages a second')));
    chatty.raw.end(true);
    const curious = connect(broker.url, { reconnectPeriod: 0 });
    await until('a connection', () => curious.connected);
    let granted = 0;
    for (let i = 0; i < BROKER_LIMITS.subscriptions + 10; i++)
      await curious.subscribeAsync(`topic/${i}`).then(
        () => granted++,
        () => undefined,
      );
    expect(granted).toBe(BROKER_LIMITS.subscriptions);
    await curious.endAsync(true);
  });
});

describe('what a client may take of the embedded broker', () => {
  it('counts what is kept by topic and owner, and frees what is taken back', () => {
    const rules = new BrokerRules(() => 0);
    const half = BROKER_LIMITS.retainedBytesOfOne / 2;
    expect(rules.publish('a', 'x', half, true)).toBeNull();
    expect(rules.publish('a', 'x', half, true)).toBeNull();
    expect(rules.publish('a', 'y', half, true)).toContain('to be kept for one client');
    expect(rules.publish('a', 'x', 0, true)).toBeNull();
    expect(rules.publish('a', 'y', half, true)).toBeNull();
    // The box has room when all others have taken theirs.
    for (let i = 0; i < 10; i++) rules.publish(`b${i}`, `b${i}`, half, true);
    expect(rules.publish('c', 'c', half, true)).toContain('bytes to be kept');
    expect(rules.publish('usher-gym-box-1', 'status', 1000, true)).toBeNull();
  });

  it('counts clients without a name one by one, and a name that returns once', () => {
    const rules = new BrokerRules(() => 0);
    const full = Array.from({ length: BROKER_LIMITS.places }, (_, index) => (index === 0 ? 'a' : ''));
    expect(rules.connect('', true, full)).toContain('places for such clients are taken');
    expect(rules.connect('a', true, full)).toBeNull();
    expect(rules.connect('usher-gym-box-actuator-front-1', true, full)).toBeNull();
  });

  it('bounds lasting sessions and what waits for them', () => {
    const rules = new BrokerRules(() => 0);
    for (let i = 0; i < BROKER_LIMITS.lastingSessions; i++) expect(rules.connect(`s${i}`, false, [])).toBeNull();
    expect(rules.connect('one-more', false, [])).toContain('lasting sessions');
    expect(rules.connect('s0', true, [])).toBeNull();
    expect(rules.connect('one-more', false, [])).toBeNull();
    let taken = 0;
    while (taken < 1e6 && rules.enqueue('one-more', 10)) taken++;
    expect(taken).toBe(BROKER_LIMITS.queuedMessages);
    rules.dequeued('one-more', 10);
    expect(rules.enqueue('one-more', 10)).toBe(true);
    expect(rules.enqueue('s1', BROKER_LIMITS.queuedBytes + 1)).toBe(false);
  });
});
