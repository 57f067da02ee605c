import fc from 'fast-check';
import { type InboundPacket } from '../../../src/mqtt/topics/wire';
import { InboundRouter, type Rejection } from '../../../src/mqtt/inbound/inbound';
import { type Judgement, SwipeGate, takeInputs } from '../../../src/mqtt/requests/swipes';
import { BASE, ROOT } from '../harness';

const NOW = 1_800_000_000_000;

function make(judgement: Judgement = null) {
  const rejections: Rejection[] = [];
  const router = new InboundRouter(BASE, (rejection) => rejections.push(rejection));
  const taken: unknown[] = [];
  takeInputs(
    {
      subscribe: (key, handler) => router.on(key, handler),
      reject: (key, topic, reason, detail) => router.reject(key, topic, reason, detail),
    },
    { swipe: () => judgement, contact: () => judgement },
    { swipe: (reader, { id }) => taken.push([reader, id]), contact: (door, { open }) => taken.push([door, open]) },
    { readers: [], doors: [] },
  );
  const send = (topic: string, payload: unknown, retain = false): void => {
    const packet: InboundPacket = {
      topic: `${ROOT}/${topic}`,
      payload: Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)),
      retain,
      dup: false,
    };
    router.dispatch(packet);
  };
  return { router, rejections, taken, send };
}

describe('what comes in at readers and contacts', () => {
  test('is handed over when the judge has nothing against it', () => {
    const { taken, send, rejections } = make();
    send('in/card/swipe', { v: 1, id: '4711', at: NOW });
    send('in/front/contact', { v: 1, open: true, at: NOW });
    expect(taken).toEqual([
      ['card', '4711'],
      ['front', true],
    ]);
    expect(rejections).toEqual([]);
  });

  test('is refused by the judge’s reason, counted', () => {
    const { taken, send, router } = make({ reason: 'bad-mac', detail: 'no' });
    send('in/card/swipe', { v: 1, id: '4711', at: NOW });
    send('in/front/contact', { v: 1, open: true, at: NOW });
    expect(taken).toEqual([]);
    expect(router.rejections).toEqual({ 'bad-mac': 2 });
  });

  test.each([
    ['a retained swipe', 'in/card/swipe', { v: 1, id: '4711', at: NOW }, true, 'retained'],
    ['a retained contact', 'in/front/contact', { v: 1, open: false, at: NOW }, true, 'retained'],
    ['a contact on the topic of swipes', 'in/front/swipe', { v: 1, open: false, at: NOW }, false, 'wrong-shape'],
    ['a swipe on the topic of contacts', 'in/front/contact', { v: 1, id: '4711', at: NOW }, false, 'wrong-shape'],
    ['a contact that is half open', 'in/front/contact', { v: 1, open: 0.5, at: NOW }, false, 'wrong-shape'],
    [
      'a MAC that is not hexadecimal',
      'in/card/swipe',
      { v: 1, id: '1', at: NOW, mac: 'z'.repeat(64) },
      false,
      'wrong-shape',
    ],
    ['a counter beyond 2^53', 'in/card/swipe', { v: 1, id: '1', at: NOW, counter: 2 ** 53 }, false, 'wrong-shape'],
  ])('%s never reaches the judge', (_, topic, payload, retain, reason) => {
    const { taken, send, rejections } = make();
    send(topic, payload, retain);
    expect(taken).toEqual([]);
    expect(rejections.map((rejection) => rejection.reason)).toEqual([reason]);
  });

  test('whatever the bytes: taken well-formed or refused, never an exception', () => {
    const { taken, send, rejections } = make();
    let sent = 0;
    const loose = fc.record(
      {
        v: fc.constantFrom(1, 1, 2),
        id: fc.constantFrom('4711', '', 'a b'),
        open: fc.boolean(),
        at: fc.nat(),
        counter: fc.integer(),
      },
      { requiredKeys: ['v', 'at'] },
    );
    fc.assert(
      fc.property(
        fc.constantFrom('in/card/swipe', 'in/front/contact'),
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          fc.jsonValue(),
          loose,
        ),
        (topic, payload) => {
          sent++;
          send(topic, payload);
        },
      ),
      { numRuns: 3000 },
    );
    expect(taken.length + rejections.length).toBe(sent);
    expect(taken.length).toBeGreaterThan(0);
  });
});

describe('a reader without a key', () => {
  const swipe = (at: number, id = '4711', counter?: number) => ({
    v: 1 as const,
    id,
    at,
    ...(counter === undefined ? {} : { counter }),
  });

  test('its swipes are taken once, in their time', () => {
    const gate = new SwipeGate(10_000);
    expect(gate.judge('r', swipe(NOW), NOW)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW), NOW)).toBe('duplicate');
    expect(gate.judge('other', swipe(NOW), NOW)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW, '4712'), NOW)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW - 10_001), NOW)).toBe('stale');
    expect(gate.judge('r', swipe(NOW + 10_001), NOW)).toBe('from-future');
    expect(gate.judge('r', { v: 1, open: true, at: NOW }, NOW)).toBe('fresh');
    expect(gate.judge('r', { v: 1, open: false, at: NOW }, NOW)).toBe('fresh');
  });

  test('a flood closes it and opens nothing', () => {
    const gate = new SwipeGate(10_000, 16);
    const flood = Array.from({ length: 100 }, (_, at) => gate.judge('r', swipe(NOW, `n${at}`), NOW));
    expect(flood.filter((verdict) => verdict === 'fresh')).toHaveLength(16);
    expect(gate.judge('r', swipe(NOW, 'n0'), NOW)).toBe('duplicate');
    const mono = performance.now();
    expect(gate.judge('r', swipe(NOW + 20_000, 'later'), NOW + 20_000, mono + 20_001)).toBe('fresh');
  });

  test('a clock that is set forward and back makes no swipe count twice', () => {
    const gate = new SwipeGate(10_000);
    expect(gate.judge('r', swipe(NOW), NOW, 0)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW + 3_600_000, 'other'), NOW + 3_600_000, 2000)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW), NOW + 4000, 4000)).toBe('duplicate');
    // What was taken under the clock that was ahead is no news when that time really comes.
    expect(gate.judge('r', swipe(NOW + 3_600_000, 'other'), NOW + 3_600_000, 3_600_000)).toBe('duplicate');
  });

  test('a clock that goes back an hour makes no swipe count twice', () => {
    const gate = new SwipeGate(10_000);
    expect(gate.judge('r', swipe(NOW), NOW, 0)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW - 3_600_000, 'other'), NOW - 3_600_000, 60_000)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW), NOW, 3_660_000)).toBe('duplicate');
  });

  test('a clock that was ahead shuts no reader out for as long as it was ahead', () => {
    const gate = new SwipeGate(10_000, 4);
    const ahead = NOW + 1e12;
    for (let n = 0; n < 4; n++) expect(gate.judge('r', swipe(ahead, `n${n}`), ahead, 0)).toBe('fresh');
    expect(gate.judge('r', swipe(NOW + 30_000), NOW + 30_000, 30_000)).toBe('fresh');
  });
});
