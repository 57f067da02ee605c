import { connect as dial } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsherError } from '../../src/errors';
import { EmbeddedBroker } from '../../src/mqtt/broker';
import { MQTT_LIMITS } from '../../src/mqtt/limits';
import { Observer, until } from './harness';

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
    flood.raw.publish('big', Buffer.alloc(MQTT_LIMITS.brokerPacketBytes + 1));
    await cut;
    expect(refusals.some((why) => why.includes(`at most ${MQTT_LIMITS.brokerPacketBytes}`))).toBe(true);
    await bystander.publish('small', 'still here');
    await until('the small message', () => bystander.on('small').length > 0);
    expect(bystander.on('big')).toEqual([]);
    await bystander.publish('fits', Buffer.alloc(MQTT_LIMITS.brokerPacketBytes - 100));
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
});
