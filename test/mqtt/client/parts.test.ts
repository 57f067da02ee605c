import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { Backoff } from '../../../src/rx/backoff';
import { MemoryEventQueue } from '../../../src/mqtt/client/event-queue';
import { PacketSizeGuard } from '../../../src/mqtt/topics/packet-size';
import { Presence } from '../../../src/mqtt/client/presence';
import { explainBrokerProblem } from '../../../src/mqtt/link/problems';
import { SwipeGate } from '../../../src/mqtt/requests/swipes';
import { swipe } from '../samples';

describe('PacketSizeGuard', () => {
  const packet = (bytes: number): Buffer =>
    mqttPacket.generate({
      cmd: 'publish',
      topic: 'a',
      payload: Buffer.alloc(bytes),
      qos: 0,
      retain: false,
      dup: false,
    });

  it('passes packets up to the limit and stops the first above it, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 50 }),
        (sizes, cuts) => {
          const limit = 300;
          const stream = Buffer.concat(sizes.map(packet));
          const guard = new PacketSizeGuard(limit);
          let verdict: number | null = null;
          for (let at = 0, turn = 0; at < stream.length && verdict === null; turn++) {
            const next = at + (cuts[turn % cuts.length] ?? 1);
            verdict = guard.push(stream.subarray(at, next));
            at = next;
          }
          const large = sizes.map((bytes) => bytes + 3).find((remaining) => remaining > limit);
          expect(verdict === null).toBe(large === undefined);
        },
      ),
    );
  });

  it('stops 256 MB at its first bytes, and a length that does not end', () => {
    expect(new PacketSizeGuard(1000).push(Buffer.from([0x30, 0xff, 0xff]))).toBeGreaterThan(1000);
    expect(new PacketSizeGuard(2 ** 40).push(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe(Infinity);
  });
});

describe('Backoff', () => {
  it('stays between its floor and a ceiling that doubles, and starts again after a reset', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (draws) => {
          let turn = 0;
          const backoff = new Backoff(100, 5000, () => draws[turn++] ?? 0);
          draws.forEach((_, attempt) => {
            const wait = backoff.next();
            expect(wait).toBeGreaterThanOrEqual(50);
            expect(wait).toBeLessThanOrEqual(Math.min(5000, 100 * 2 ** attempt));
          });
          backoff.reset();
          expect(backoff.next()).toBeLessThanOrEqual(100);
        },
      ),
    );
  });
});

describe('MemoryEventQueue', () => {
  it('keeps the newest in order and counts what it lost', () => {
    const queue = new MemoryEventQueue(3);
    for (let seq = 0; seq < 5; seq++) queue.push({ topic: 't', json: String(seq) });
    expect([queue.size, queue.overflowed, queue.peek()?.json]).toEqual([3, 2, '2']);
    const inFlight = queue.peek();
    queue.push({ topic: 't', json: '5' });
    if (inFlight !== undefined) queue.settle(inFlight);
    expect([queue.size, queue.overflowed, queue.peek()?.json]).toEqual([3, 3, '3']);
  });
});

describe('Presence', () => {
  it('is born higher each time, whatever the clock does, and above every status that it saw', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            now: fc.integer({ min: -10, max: 1e15 }),
            seen: fc.oneof(
              fc.integer({ min: 1, max: 2 ** 50 }),
              fc.integer({ min: 2 ** 52 - 2, max: Number.MAX_SAFE_INTEGER }),
            ),
          }),
          { minLength: 1, maxLength: 30 },
        ),
        (steps) => {
          let clock = 0;
          let last = 0;
          const presence = new Presence(randomUUID(), () => clock);
          for (const { now, seen } of steps) {
            clock = now;
            const birth = presence.nextBirth();
            expect(birth).toBeGreaterThan(last);
            expect(presence.message('offline').birth).toBe(birth);
            last = birth;
            const status = { v: 1 as const, state: 'offline' as const, bootId: randomUUID(), birth: seen, at: 0 };
            const verdict = presence.judge(status);
            expect(verdict === 'ahead').toBe(seen > birth && seen <= 2 ** 52);
            if (verdict === 'ahead') last = seen;
          }
        },
      ),
    );
  });

  it('knows its own message', () => {
    const presence = new Presence(randomUUID(), () => 7);
    presence.nextBirth();
    expect(presence.judge(presence.message('online'))).toBe('ours');
    expect(presence.judge(presence.message('offline'))).toBe('stale');
    expect(presence.judge({ ...presence.message('online'), bootId: randomUUID() })).toBe('stale');
  });
});

describe('SwipeGate', () => {
  const now = 1_800_000_000_000;
  it.each([
    [0, 'fresh'],
    [-10_000, 'fresh'],
    [10_000, 'fresh'],
    [-10_001, 'stale'],
    [10_001, 'from-future'],
    [-1e12, 'stale'],
  ])('judges a swipe of %i ms as %s', (age, verdict) => {
    expect(new SwipeGate().judge('card', swipe('a', now + age), now)).toBe(verdict);
  });

  it('takes the same swipe once, as long as it is fresh', () => {
    const gate = new SwipeGate();
    const one = { ...swipe('a', now), counter: 3 };
    expect(gate.judge('card', one, now)).toBe('fresh');
    expect(gate.judge('card', one, now + 10_000)).toBe('duplicate');
    expect(gate.judge('card', one, now + 10_001)).toBe('stale');
    expect(gate.judge('other', one, now)).toBe('fresh');
    expect(gate.judge('card', { ...one, counter: 4 }, now)).toBe('fresh');
  });

  it('accepts no copy, in whatever order and at whatever time they come', () => {
    const event = fc.record({ id: fc.constantFrom('a', 'b'), at: fc.integer({ min: 0, max: 300 }), step: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const gate = new SwipeGate(50, 16);
        const accepted = new Set<string>();
        let clock = 0;
        for (const { id, at, step } of events) {
          clock += step;
          if (gate.judge('card', swipe(id, at), clock, clock) !== 'fresh') continue;
          expect(accepted.has(`${id}@${at}`)).toBe(false);
          accepted.add(`${id}@${at}`);
        }
      }),
    );
  });

  it('refuses rather than forgets when it is flooded', () => {
    const gate = new SwipeGate(1000, 2);
    expect(['a', 'b', 'c', 'a'].map((id) => gate.judge('card', swipe(id, now), now))).toEqual([
      'fresh',
      'fresh',
      'flooded',
      'duplicate',
    ]);
    expect(gate.judge('card', swipe('c', now + 1500), now + 1500, performance.now() + 1500)).toBe('fresh');
  });
});

describe('explainBrokerProblem', () => {
  const withCode = (code: string | number, message = 'x'): Error => Object.assign(new Error(message), { code });
  it.each([
    ['device', 'mqtt.broker.caFile'],
    ['actuator', 'set broker.caFile'],
    ['options', 'set --ca '],
  ] as const)('names what was given by %s', (named, key) => {
    const problem = explainBrokerProblem(withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'mqtts://h', named);
    expect(problem.remedy).toContain(key);
    expect(problem.remedy?.includes('mqtt.broker')).toBe(named === 'device');
  });

  it.each([
    [withCode(4), 'user name or password', 'passwordFile'],
    [withCode(134), 'user name or password', 'passwordFile'],
    [withCode(5), 'does not authorise', 'access rules'],
    [withCode('ECONNREFUSED'), 'nothing listens', 'start the broker'],
    [withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'trusted authority', 'caFile'],
    [withCode('CERT_HAS_EXPIRED'), 'expired', 'clock'],
    [withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'), 'TLS', 'certFile'],
    [new Error('connack timeout'), 'no answer', 'MQTT broker'],
    [new Error('Keepalive timeout'), 'stopped answering', 'network'],
    [null, 'closed the connection', 'log'],
    ['a string', 'a string', 'log'],
  ])('%s', (cause, message, remedy) => {
    const problem = explainBrokerProblem(cause, 'mqtts://joe:secret@broker.example:8883/x?token=1');
    expect(problem.code).toBe('broker-failed');
    expect(problem.message).toContain(message);
    expect(problem.message).toContain('mqtts://broker.example:8883');
    expect(problem.remedy).toContain(remedy);
    expect(problem.message).not.toMatch(/secret|token/);
  });
});
