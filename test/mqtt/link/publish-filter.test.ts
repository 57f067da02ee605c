import mqttPacket, { type Packet } from 'mqtt-packet';
import { seededRandom } from '../../../src/random';
import { InboundRates } from '../../../src/mqtt/inbound/inbound-rates';
import { PublishFilter } from '../../../src/mqtt/link/publish-filter';

interface Result {
  readonly passed: Buffer;
  readonly acknowledged: Buffer;
  readonly fault: number | null;
}

/** What becomes of a stream that arrives in these pieces. */
function filter(chunks: readonly Buffer[], admit: (topic: string) => boolean, maxBytes = 1e6): Result {
  const passed: Buffer[] = [];
  const acknowledged: Buffer[] = [];
  const publishes = new PublishFilter(maxBytes, admit, {
    pass: (bytes) => passed.push(Buffer.from(bytes)),
    acknowledge: (bytes) => acknowledged.push(bytes),
  });
  let fault: number | null = null;
  for (const chunk of chunks) fault ??= publishes.push(chunk);
  return { passed: Buffer.concat(passed), acknowledged: Buffer.concat(acknowledged), fault };
}

const publish = (topic: string, payload: string, qos: 0 | 1 = 0, messageId = 7): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos,
  dup: false,
  retain: false,
  ...(qos === 1 ? { messageId } : {}),
});

describe.each([4, 5] as const)('what of a stream of MQTT %i is passed on', (protocolVersion) => {
  const bytes = (packet: Packet): Buffer => mqttPacket.generate(packet, { protocolVersion });
  const parse = (stream: Buffer): Packet[] => {
    const packets: Packet[] = [];
    const parser = mqttPacket.parser({ protocolVersion });
    parser.on('packet', (packet) => packets.push(packet));
    parser.parse(stream);
    return packets;
  };

  it('is all but the messages that are not admitted, however the stream is cut into pieces', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 300; round++) {
      const packets: Packet[] = Array.from({ length: random.below(12) }, (_, index): Packet => {
        const kind = random.below(5);
        if (kind === 0) return { cmd: 'pingresp' };
        if (kind === 1) return { cmd: 'puback', messageId: index + 1 };
        const topic = `${kind === 2 ? 'flood' : 'good'}/${'t'.repeat(random.below(90))}`;
        return publish(topic, 'p'.repeat(random.below(400)), kind === 4 ? 1 : 0, index + 1);
      });
      const stream = Buffer.concat(packets.map(bytes));
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length;) {
        const size = 1 + random.below(round % 2 === 0 ? 3 : 200);
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      const bad = (packet: Packet): boolean => packet.cmd === 'publish' && packet.topic.startsWith('flood/');
      const result = filter(chunks, (topic) => topic.startsWith('good/'));
      expect(result.passed).toEqual(Buffer.concat(packets.filter((packet) => !bad(packet)).map(bytes)));
      expect(result.fault).toBeNull();
    }
  });

  it('acknowledges what it drops of QoS 1, so that the broker goes on sending', () => {
    const stream = Buffer.concat(
      [publish('flood/a', 'x', 1, 258), publish('flood/b', 'x', 0), publish('flood/c', 'x', 1, 3)].map(bytes),
    );
    const { acknowledged, passed } = filter([stream], () => false);
    expect(passed).toHaveLength(0);
    expect(parse(acknowledged)).toMatchObject([
      { cmd: 'puback', messageId: 258 },
      { cmd: 'puback', messageId: 3 },
    ]);
  });

  it('asks once for each message, and holds back at most its beginning', () => {
    const asked: string[] = [];
    const stream = bytes(publish('good/topic', 'x'.repeat(1000)));
    const chunks = [...stream].map((byte) => Buffer.from([byte]));
    const { passed } = filter(chunks, (topic) => asked.push(topic) > 0);
    expect(asked).toEqual(['good/topic']);
    expect(passed).toEqual(stream);
  });

  it('stops at a packet that announces too much, or a length without end', () => {
    expect(filter([Buffer.from([0x30, 0xff, 0xff, 0x03])], () => true, 1000).fault).toBe(65_535);
    expect(filter([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80])], () => true).fault).toBe(Infinity);
  });
});

describe('how much is taken in', () => {
  it('is limited for each known topic, and for all others that begin alike together', () => {
    let now = 0;
    const rates = new InboundRates({ burst: 1, everyMs: 1000 }, () => now);
    rates.topic('box/command/ping', { burst: 2, everyMs: 100 });
    rates.topic('box/command/status', { burst: 2, everyMs: 100 });
    rates.prefix('box/command/', { burst: 3, everyMs: 1000 });
    const taken = (topic: (index: number) => string): number =>
      Array.from({ length: 10_000 }, (_, index) => rates.admit(topic(index))).filter(Boolean).length;
    expect(taken(() => 'box/command/ping')).toBe(2);
    expect(taken((index) => `box/command/made-up-${index}`)).toBe(3);
    expect(taken((index) => `elsewhere/${index}`)).toBe(1);
    // Nobody else's flood takes anything of it.
    expect(rates.admit('box/command/status')).toBe(true);
    expect(rates.takeDropped().map(({ topic, count }) => [topic, count])).toEqual([
      ['box/command/ping', 9998],
      ['box/command/…', 9997],
      ['other topics', 9999],
    ]);
    expect(rates.takeDropped()).toEqual([]);
    now = 100;
    expect(taken(() => 'box/command/ping')).toBe(1);
  });
});
