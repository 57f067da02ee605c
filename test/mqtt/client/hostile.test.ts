import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import type { MqttClient } from '../../../src/mqtt/client/client';
import type { MqttClientOptions } from '../../../src/mqtt/client/client-options';
import { MQTT_LIMITS } from '../../../src/mqtt/topics/limits';
import { ROOT, makeClient } from '../harness';
import { until } from '../../support/until';
import { unlock } from '../samples';

type Reply = (packet: Packet, socket: Socket) => void;

/** Something that listens where a broker should, and answers as the test says. */
class Impostor {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  readonly heard: Packet[] = [];

  constructor(reply: Reply, greet: (socket: Socket) => void = () => undefined) {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      const parser = mqttPacket.parser();
      parser.on('packet', (packet: Packet) => {
        this.heard.push(packet);
        reply(packet, socket);
      });
      socket.on('data', (chunk) => parser.parse(chunk));
      greet(socket);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `mqtt://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const send = (socket: Socket, packet: Packet): void => void socket.write(mqttPacket.generate(packet));

/** Answers as a broker does, save for subscriptions and pings. */
const polite: Reply = (packet, socket) => {
  if (packet.cmd === 'connect') send(socket, { cmd: 'connack', returnCode: 0, sessionPresent: false });
  if (packet.cmd === 'publish' && packet.qos === 1) send(socket, { cmd: 'puback', messageId: packet.messageId ?? 0 });
};
const granting: Reply = (packet, socket) => {
  polite(packet, socket);
  if (packet.cmd === 'subscribe')
    send(socket, { cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 1) });
};

describe('a device and something that is no proper broker', () => {
  const open: (Impostor | MqttClient)[] = [];

  const meet = async (reply: Reply, options: Partial<MqttClientOptions> = {}, greet?: (socket: Socket) => void) => {
    const impostor = new Impostor(reply, greet);
    const client = makeClient(await impostor.listen(), options);
    open.push(client, impostor);
    return { impostor, client };
  };
  const problem = async (client: MqttClient): Promise<string> => {
    client.start();
    await until('a problem', () => client.health.problem !== null);
    return client.health.problem?.message ?? '';
  };

  afterEach(async () => {
    for (const one of open.splice(0)) await ('stop' in one ? one.stop() : one.close());
  });

  it.each([
    [1, 'protocol version'],
    [2, 'client identifier'],
    [3, 'not available'],
    [4, 'user name or password'],
    [5, 'does not authorise'],
  ])('tells refusal %i for what it is, and tries again', async (returnCode, message) => {
    const { client, impostor } = await meet((packet, socket) => {
      if (packet.cmd === 'connect') send(socket, { cmd: 'connack', returnCode, sessionPresent: false });
    });
    expect(await problem(client)).toContain(message);
    await until('further attempts', () => impostor.heard.filter(({ cmd }) => cmd === 'connect').length >= 3);
  });

  it('gives up waiting for an answer', async () => {
    const { client } = await meet(() => undefined, { limits: { connectMs: 50 } });
    expect(await problem(client)).toContain('no answer to CONNECT');
  });

  it('notices a peer that answers no ping', async () => {
    const { client } = await meet(granting, { limits: { keepaliveSeconds: 1 } });
    expect(await problem(client)).toContain('stopped answering');
  });

  it.each([
    ['noise before anything', () => undefined, (socket: Socket) => void socket.write(Buffer.alloc(64, 0xf7))],
    ['HTTP', () => undefined, (socket: Socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a close at once', () => undefined, (socket: Socket) => void socket.destroy()],
    [
      'noise after the welcome',
      (packet: Packet, socket: Socket) => {
        granting(packet, socket);
        if (packet.cmd === 'subscribe') socket.write(Buffer.from([0x33, 0x02, 0xff, 0xff, 0x06, 0x00]));
      },
      undefined,
    ],
  ])('survives %s', async (_, reply: Reply, greet) => {
    const { client, impostor } = await meet(reply, { limits: { connectMs: 200 } }, greet);
    expect(await problem(client)).toContain('MQTT broker');
    await client.stop();
    expect(client.health).toEqual({ state: 'stopped', problem: null });
    expect(impostor.heard.every(({ cmd }) => cmd !== 'disconnect' || client.stats.connects > 0)).toBe(true);
  });

  it('cuts a packet that would fill its memory, at its announcement', async () => {
    const { client } = await meet((packet, socket) => {
      granting(packet, socket);
      if (packet.cmd === 'subscribe') socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61]));
    });
    expect(await problem(client)).toContain('larger than this device takes in');
    expect(client.health.problem?.remedy).toContain('retained message');
  });

  it('takes an oversized payload below that for what it is', async () => {
    const reasons: string[] = [];
    const { client } = await meet(
      (packet, socket) => {
        granting(packet, socket);
        if (packet.cmd === 'subscribe' && packet.subscriptions[0]?.topic.includes('swipe') === true)
          send(socket, {
            cmd: 'publish',
            topic: `${ROOT}/in/card/swipe`,
            payload: Buffer.alloc(MQTT_LIMITS.payloadBytes + 1, 0x20),
            qos: 0,
            retain: false,
            dup: false,
          });
      },
      { rejected: ({ reason }) => reasons.push(reason) },
    );
    client.subscribe('swipe', () => undefined);
    client.start();
    await until('the refusal', () => reasons.length > 0);
    expect(reasons).toEqual(['oversized']);
    expect(client.connected).toBe(true);
  });

  it('stays connected when its subscriptions are refused, and says what to do', async () => {
    const { client, impostor } = await meet((packet, socket) => {
      polite(packet, socket);
      if (packet.cmd === 'subscribe')
        send(socket, { cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 128) });
    });
    expect(await problem(client)).toContain(`refuses the subscription to ${ROOT}/status`);
    expect(client.health).toMatchObject({ state: 'connected' });
    expect(client.health.problem?.remedy).toContain('access rules');
    expect(client.publish('unlock', { door: 'main' }, unlock(1))).toBe('sent');
    await until('the unlock', () =>
      impostor.heard.some((packet) => packet.cmd === 'publish' && packet.topic.endsWith('unlock')),
    );
  });

  it('never sends a QoS 1 message again that a broken connection left unacknowledged, unless it is an event', async () => {
    let welcome = 0;
    const { client, impostor } = await meet((packet, socket) => {
      if (packet.cmd === 'connect') {
        if (!packet.clientId.includes('-door-')) welcome++;
        send(socket, { cmd: 'connack', returnCode: 0, sessionPresent: false });
      } else if (packet.cmd === 'publish' && packet.topic.endsWith('result')) socket.destroy();
      else if (packet.cmd !== 'publish' || welcome > 1) granting(packet, socket);
    });
    client.publish('health', { component: 'store' }, health);
    client.start();
    const published = (end: string) =>
      impostor.heard.filter((packet) => packet.cmd === 'publish' && packet.topic.endsWith(end)).length;
    await until('the state, on the first connection', () => published('health/store') === 1);
    client.publish('commandResult', {}, { v: 1, id: 'once', verb: 'ping', ok: true });
    await until('the second connection', () => welcome > 1 && client.connected);
    await until('the state again', () => published('health/store') >= 2);
    expect(published('result')).toBe(1);
  });
});

const health = {
  v: 1 as const,
  component: 'store',
  state: 'ok' as const,
  at: 1,
  lastProgressAt: 1,
  progressAgeMs: 0,
  detail: null,
  remedy: null,
};
