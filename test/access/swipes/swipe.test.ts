import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { countersIn } from '../../../src/access/door/persisted';
import { createReaderKey, decodeReaderKey, readReaderKey } from '../../../src/access/swipes/reader-key';
import { isMacOf, type Protected, swipeMac, type SwipeScope } from '../../../src/access/swipes/swipe';
import { counterSource, type CounterStore, SwipeJudge } from '../../../src/access/swipes/swipe-judge';
import { Store } from '../../../src/store/store';

const KEY = new Uint8Array(32).fill(7);
const SCOPE: SwipeScope = { site: 'gym', device: 'entrance-1', reader: 'reader-1' };
const NOW = 1_800_000_000_000;
const FRESH_MS = 10_000;

class MemoryCounters implements CounterStore {
  readonly kept = new Map<string, number>();
  broken = false;
  load(source: string): number | null {
    return this.kept.get(source) ?? null;
  }
  save(source: string, counter: number): void {
    if (this.broken) throw new Error('disk full');
    this.kept.set(source, counter);
  }
}

type Swipe = Protected & { readonly mac?: string | undefined };
const signed = (message: Protected, key = KEY, scope = SCOPE): Swipe => ({
  ...message,
  mac: swipeMac(key, scope, message),
});
const good = (counter: number, at = NOW, id = '4711'): Swipe => signed({ v: 1, id, at, counter });

function make(scope: SwipeScope = SCOPE) {
  const counters = new MemoryCounters();
  const clock = { time: NOW, trouble: null as string | null };
  const judge = new SwipeJudge({ scope, key: KEY, freshMs: FRESH_MS }, counters, {
    now: () => clock.time,
    doubt: () => clock.trouble,
  });
  const reasonOf = (message: Swipe): string => {
    const verdict = judge.judge(message);
    return verdict.ok ? 'fresh' : verdict.reason;
  };
  return { judge, counters, clock, reasonOf };
}

describe('the MAC of a swipe', () => {
  test('is what the documentation tells people who build a reader', () => {
    const text =
      'usher-swipe-v1\n{"at":1800000000000,"counter":7,"device":"entrance-1","id":"04A211","reader":"reader-1","site":"gym","v":1}';
    const expected = createHmac('sha256', KEY).update(text).digest('hex');
    expect(swipeMac(KEY, SCOPE, { v: 1, id: '04A211', at: NOW, counter: 7 })).toBe(expected);
  });

  test('of a door contact is under a domain of its own', () => {
    const text =
      'usher-contact-v1\n{"at":1800000000000,"counter":7,"device":"entrance-1","door":"front","open":true,"site":"gym","v":1}';
    const expected = createHmac('sha256', KEY).update(text).digest('hex');
    const contact: SwipeScope = { site: 'gym', device: 'entrance-1', door: 'front' };
    expect(swipeMac(KEY, contact, { v: 1, open: true, at: NOW, counter: 7 })).toBe(expected);
    const [swipes, contacts] = [counterSource(SCOPE, KEY), counterSource(contact, KEY)];
    expect([swipes, contacts]).toEqual([
      expect.stringMatching(/^swipe\.reader-1\.[0-9a-f]{16}$/),
      expect.stringMatching(/^contact\.front\.[0-9a-f]{16}$/),
    ]);
  });

  test('is another one for whatever differs', () => {
    const message = { v: 1 as const, id: '4711', at: NOW, counter: 7 };
    const macs = [
      swipeMac(KEY, SCOPE, message),
      swipeMac(new Uint8Array(32).fill(8), SCOPE, message),
      swipeMac(KEY, { ...SCOPE, reader: 'reader-2' }, message),
      swipeMac(KEY, { ...SCOPE, device: 'entrance-2' }, message),
      swipeMac(KEY, { ...SCOPE, site: 'pool' }, message),
      swipeMac(KEY, { site: 'gym', device: 'entrance-1', door: 'reader-1' }, message),
      swipeMac(KEY, SCOPE, { ...message, id: '4712' }),
      swipeMac(KEY, SCOPE, { ...message, at: NOW + 1 }),
      swipeMac(KEY, SCOPE, { ...message, counter: 8 }),
      swipeMac(KEY, SCOPE, { v: 1, id: '4711', counter: 7 }),
    ];
    expect(new Set(macs).size).toBe(macs.length);
  });

  test('is refused whatever else is given for it', () => {
    const message = { v: 1 as const, id: '4711', at: NOW, counter: 7 };
    const mac = swipeMac(KEY, SCOPE, message);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{64}$/), fc.nat(255)), (other) => {
        const given =
          typeof other === 'string'
            ? other
            : mac.slice(0, other % 64) +
              ((parseInt(mac[other % 64]!, 16) + 1) % 16).toString(16) +
              mac.slice((other % 64) + 1);
        if (given !== mac) expect(isMacOf(given, KEY, SCOPE, message)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a reader with a key', () => {
  const DAY = 24 * 3_600_000;
  test.each<[what: string, last: number | null, counter: number, reason: string]>([
    ['one more', 5, 6, 'fresh'],
    ['as far as it may leap', 5, 5 + NOW + DAY - 5, 'fresh'],
    ['one too far', 5, NOW + DAY + 1, 'counter-leap'],
    ['the end of all counters', 5, Number.MAX_SAFE_INTEGER, 'counter-leap'],
    ['the end of all counters, at first', null, Number.MAX_SAFE_INTEGER, 'counter-leap'],
    ['from a counter to the time', 5, NOW, 'fresh'],
    ['beyond the time, where it is there already', NOW + DAY, NOW + DAY + 1_000_000, 'fresh'],
    ['… and one too far', NOW + DAY, NOW + DAY + 1_000_001, 'counter-leap'],
    ['microseconds at first', null, NOW * 1000, 'fresh'],
    ['microseconds as ever', NOW * 1000 - 9e9, NOW * 1000, 'fresh'],
    ['from milliseconds to microseconds', NOW, NOW * 1000, 'counter-leap'],
  ])('a counter: %s', (_, last, counter, reason) => {
    const { reasonOf, counters, judge } = make();
    if (last !== null) counters.kept.set(counterSource(SCOPE, KEY), last);
    expect(reasonOf(good(counter))).toBe(reason);
    // What was refused does not shut the reader out.
    if (reason !== 'fresh' && last !== null) expect(judge.judge(good(last + 1))).toEqual({ ok: true });
  });

  test.each([
    [NOW - FRESH_MS - 1, 'stale'],
    [NOW - FRESH_MS, 'fresh'],
    [NOW + FRESH_MS, 'fresh'],
    [NOW + FRESH_MS + 1, 'from-future'],
  ])('at the very millisecond: %p is %s', (at, reason) => expect(make().reasonOf(good(6, at))).toBe(reason));

  test.each([
    [NOW + 3_600_000, 'is 1 h ahead, which looks like a time zone'],
    [Math.round(NOW / 1000), 'looks like seconds'],
  ])('says what a time looks like: %p', (at, looksLike) => {
    expect(make().judge.judge(good(6, at))).toMatchObject({ detail: expect.stringContaining(looksLike) as string });
  });

  test.each<[attack: string, message: Swipe, reason: string]>([
    ['an honest swipe', good(6), 'fresh'],
    ['as old as it may be', good(6, NOW - FRESH_MS), 'fresh'],
    ['a reader whose clock is ahead', good(6, NOW + FRESH_MS), 'fresh'],
    ['a number written by anybody on the broker', { v: 1, id: '4711', at: NOW, counter: 6 }, 'missing-mac'],
    ['a MAC of thin air', { ...good(6), mac: '0'.repeat(64) }, 'bad-mac'],
    ['a shortened MAC', { ...good(6), mac: good(6).mac!.slice(0, 32) }, 'bad-mac'],
    ['a MAC in capitals', { ...good(6), mac: good(6).mac!.toUpperCase() }, 'bad-mac'],
    ['another card under an honest MAC', { ...good(6), id: '4712' }, 'bad-mac'],
    ['an old swipe with a new time', { ...good(6, NOW - 60_000), at: NOW }, 'bad-mac'],
    ['an old swipe with a new counter', { ...good(5), counter: 6 }, 'bad-mac'],
    ['a swipe without its counter', { ...good(6), counter: undefined }, 'bad-mac'],
    ['a counter that was never there', signed({ v: 1, id: '4711', at: NOW }), 'missing-counter'],
    ['a swipe of another key', signed({ v: 1, id: '4711', at: NOW, counter: 6 }, new Uint8Array(32)), 'bad-mac'],
    [
      'from another reader',
      signed({ v: 1, id: '4711', at: NOW, counter: 6 }, KEY, { ...SCOPE, reader: 'r2' }),
      'bad-mac',
    ],
    ['for another box', signed({ v: 1, id: '4711', at: NOW, counter: 6 }, KEY, { ...SCOPE, device: 'd2' }), 'bad-mac'],
    ['for another site', signed({ v: 1, id: '4711', at: NOW, counter: 6 }, KEY, { ...SCOPE, site: 's2' }), 'bad-mac'],
    ['held back', good(6, NOW - FRESH_MS - 1), 'stale'],
    ['made ahead of time', good(6, NOW + FRESH_MS + 1), 'from-future'],
    ['the last one again', good(5), 'duplicate'],
    ['one from before the last', good(4), 'out-of-order'],
    ['its last counter, another card', good(5, NOW, '4712'), 'duplicate'],
  ])('%s', (_, message, reason) => {
    const { judge, reasonOf } = make();
    expect(judge.judge(good(5))).toEqual({ ok: true });
    expect(reasonOf(message)).toBe(reason);
  });

  test('with a clock that is doubted nothing on MQTT is fresh, and nothing is used up', () => {
    const { clock, reasonOf, counters } = make();
    clock.trouble = 'the clock jumped';
    expect(reasonOf(good(1))).toBe('clock-doubtful');
    expect(counters.kept.size).toBe(0);
    clock.trouble = null;
    expect(reasonOf(good(1))).toBe('fresh');
  });

  test('on a cable the counter decides, whatever the clock says', () => {
    const { clock, reasonOf } = make();
    clock.trouble = 'no time yet';
    const line = (counter: number): Swipe => signed({ v: 1, id: '4711', counter });
    expect([line(1), line(1), line(3), line(2)].map(reasonOf)).toEqual(['fresh', 'duplicate', 'fresh', 'out-of-order']);
    // What was said on the cable cannot be said on MQTT: there it needs a time, and the MAC covers that there was none.
    clock.trouble = null;
    expect(reasonOf({ ...line(9), at: NOW })).toBe('bad-mac');
  });

  test('a counter that cannot be saved is a swipe that is not acted on', () => {
    const { counters, reasonOf } = make();
    counters.broken = true;
    expect(reasonOf(good(1))).toBe('counter-unsaved');
    counters.broken = false;
    expect(reasonOf(good(1))).toBe('fresh');
  });

  test('a forgery changes nothing, however high its counter', () => {
    const { counters, reasonOf } = make();
    reasonOf({ ...good(Number.MAX_SAFE_INTEGER), mac: 'f'.repeat(64) });
    expect(counters.kept.size).toBe(0);
    expect(reasonOf(good(1))).toBe('fresh');
  });

  test('in any order, with any repetition: each counter at most once, and only rising', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ counter: fc.nat(30), age: fc.integer({ min: -20_000, max: 20_000 }) })),
        (sent) => {
          const { judge } = make();
          const taken = sent.filter(({ counter, age }) => judge.judge(good(counter, NOW - age)).ok);
          expect(taken.every(({ age }) => Math.abs(age) <= FRESH_MS)).toBe(true);
          expect(taken.every(({ counter }, at) => at === 0 || counter > taken[at - 1]!.counter)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a key of one reader has nothing to do with another’s counter, nor a new key with the old one’s', () => {
    const counters = new MemoryCounters();
    const clock = { now: () => NOW, doubt: () => null };
    const judge = (reader: string, key: typeof KEY) =>
      new SwipeJudge({ scope: { ...SCOPE, reader }, key, freshMs: FRESH_MS }, counters, clock);
    const swipe = (reader: string, key: typeof KEY, counter: number) =>
      judge(reader, key).judge(signed({ v: 1, id: '1', at: NOW, counter }, key, { ...SCOPE, reader })).ok;
    const newKey = new Uint8Array(32).fill(9);
    expect(swipe('a', KEY, 100)).toBe(true);
    expect(swipe('b', KEY, 1)).toBe(true);
    expect(swipe('a', newKey, 1)).toBe(true);
    expect(swipe('a', KEY, 100)).toBe(false);
  });
});

describe('counters and keys on disk', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'usher-swipe-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('a restart opens no window', () => {
    const clock = { now: () => NOW, doubt: () => null };
    const judgeOnce = (message: Swipe): boolean => {
      const store = Store.open(dir);
      try {
        return new SwipeJudge({ scope: SCOPE, key: KEY, freshMs: FRESH_MS }, countersIn(store), clock).judge(message)
          .ok;
      } finally {
        store.close();
      }
    };
    expect([good(5), good(5), good(4), good(6), good(6)].map(judgeOnce)).toEqual([true, false, false, true, false]);
  });

  test('a damaged counter is a refusal and not a new beginning', () => {
    const store = Store.open(dir);
    const judge = new SwipeJudge({ scope: SCOPE, key: KEY, freshMs: FRESH_MS }, countersIn(store), {
      now: () => NOW,
      doubt: () => null,
    });
    expect(judge.judge(good(5)).ok).toBe(true);
    const counters = countersIn({ meta: () => 'seven', setMeta: () => undefined });
    expect(() => counters.load('swipe.reader-1')).toThrow('damaged');
    store.close();
  });

  test('a key file is private, new, and in hex or base64', () => {
    const file = join(dir, 'reader.key');
    createReaderKey(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const key = readReaderKey(file);
    expect(key).toHaveLength(32);
    expect(() => createReaderKey(file)).toThrow('already exists');
    writeFileSync(file, Buffer.from(key).toString('base64'));
    expect(readReaderKey(file)).toEqual(key);
    chmodSync(file, 0o640);
    expect(() => readReaderKey(file)).toThrow('other accounts may read');
    chmodSync(file, 0o600);
    for (const text of ['', 'secret', '00'.repeat(31), '00'.repeat(33), 'x'.repeat(5000)]) {
      writeFileSync(file, text);
      expect(() => readReaderKey(file)).toThrow('not 32 bytes');
    }
    expect(() => readReaderKey(join(dir, 'absent'))).toThrow('ENOENT');
    expect(() => readReaderKey(dir)).toThrow(/EISDIR/);
  });

  test('a FIFO in place of a key file does not hold the start up', () => {
    const fifo = join(dir, 'fifo');
    expect(spawnSync('mkfifo', ['-m', '600', fifo]).status).toBe(0);
    expect(() => readReaderKey(fifo)).toThrow();
  });

  test('whatever the text: a key of 32 bytes or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[0-9a-f]{60,68}$/)), (text) => {
        const key = decodeReaderKey(text);
        expect(key === null || key.length === 32).toBe(true);
      }),
    );
  });
});

test('a reader key that cannot be written is an error that names the file', () => {
  const file = '/proc/no-such-folder/reader.key';
  expect(() => createReaderKey(file)).toThrow(
    expect.objectContaining({
      code: 'file-unreadable',
      message: expect.stringContaining(`reader key ${file}: `) as string,
    }) as Error,
  );
});
