import fc from 'fast-check';
import { encodeEvent, WYOMING_LIMITS, type WyomingEvent, WyomingParser } from '../../../src/voice/wyoming/framing';

function parsed(bytes: Buffer, cuts: readonly number[] = []): WyomingEvent[] {
  const parser = new WyomingParser();
  const events: WyomingEvent[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    parser.push(bytes.subarray(from, from + cut), (event) => events.push(event));
    from = Math.min(bytes.length, from + cut);
  }
  return events;
}
const line = (header: object): Buffer => Buffer.from(`${JSON.stringify(header)}\n`);

describe('Wyoming events', () => {
  const chunk = Buffer.from([1, 2, 10, 13]);
  const stream = Buffer.concat([
    line({ type: 'describe' }),
    encodeEvent('detect', { names: ['wake-computer'] }),
    encodeEvent('audio-chunk', { rate: 16_000, width: 2, channels: 1 }, chunk),
    // As older clients send it: data within the header.
    line({ type: 'audio-start', data: { rate: 16_000 }, data_length: null, payload_length: 0 }),
  ]);
  const events = [
    { type: 'describe', data: {}, payload: Buffer.alloc(0) },
    { type: 'detect', data: { names: ['wake-computer'] }, payload: Buffer.alloc(0) },
    { type: 'audio-chunk', data: { rate: 16_000, width: 2, channels: 1 }, payload: chunk },
    { type: 'audio-start', data: { rate: 16_000 }, payload: Buffer.alloc(0) },
  ];

  test('come out as they went in, however they are cut', () => {
    expect(parsed(stream)).toEqual(events);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 }), (cuts) => {
        expect(parsed(stream, cuts)).toEqual(events);
      }),
    );
    expect(parsed(stream, Array<number>(stream.length).fill(1))).toEqual(events);
  });

  test('separate data goes over the header’s', () => {
    const more = Buffer.from('{"rate":2}');
    const header = line({ type: 'a', data: { rate: 1, width: 2 }, data_length: more.length });
    expect(parsed(Buffer.concat([header, more]))[0]?.data).toEqual({ rate: 2, width: 2 });
  });

  test.each<[string, Buffer, RegExp]>([
    ['no JSON', Buffer.from('GET / HTTP/1.1\r\n'), /not JSON/],
    ['no object', Buffer.from('[1]\n'), /no JSON object/],
    ['no type', line({}), /without a type/],
    ['a type that is none', line({ type: '../x' }), /without a type/],
    ['data that is no object', line({ type: 'a', data: [] }), /no JSON object/],
    ['negative bytes', line({ type: 'a', payload_length: -1 }), /payload_length/],
    ['half bytes', line({ type: 'a', data_length: 1.5 }), /data_length/],
    ['words for bytes', line({ type: 'a', payload_length: '5' }), /payload_length/],
    ['a gigabyte of sound', line({ type: 'a', payload_length: 2 ** 30 }), /payload_length/],
    ['a megabyte of data', line({ type: 'a', data_length: 2 ** 20 }), /data_length/],
    ['a line without end', Buffer.alloc(WYOMING_LIMITS.headerBytes + 1, 'x'), /header line of more/],
    ['data that is no JSON', Buffer.concat([line({ type: 'a', data_length: 2 }), Buffer.from('{{')]), /not JSON/],
  ])('%s is refused', (_name, bytes, told) => {
    expect(() => parsed(bytes)).toThrow(told);
    expect(() => parsed(bytes, Array<number>(40).fill(1))).toThrow(told);
  });

  test('whatever comes: events within the limits, or message-invalid', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.string().map((text) => Buffer.from(`${text}\n`)),
        ),
        (bytes) => {
          try {
            for (const { payload } of parsed(Buffer.from(bytes))) expect(payload.length).toBeLessThanOrEqual(300);
          } catch (error) {
            expect(error).toMatchObject({ code: 'message-invalid' });
          }
        },
      ),
    );
  });
});
