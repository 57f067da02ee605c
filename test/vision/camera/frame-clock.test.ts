import fc from 'fast-check';
import { ArrivalClock, createFrameClock, StreamClock, UNTIMED_MS } from '../../../src/vision/camera/frame-clock';

/** Frames of a camera that gives one every 100 ms, from 10,000 on. */
const steady = (frames: number, from = 0): number[] => Array.from({ length: frames }, (_, i) => (from + i) * 100);
const START = 10_000;

describe('by the times in the stream', () => {
  /** @param delays of the frames, ms */
  const ages = (clock: StreamClock, streams: readonly number[], delays: (i: number) => number): number[] =>
    streams.map((stream, i) => {
      const arrived = START + stream + delays(i);
      return arrived - clock.date(arrived, stream);
    });

  test('nothing is known for a second; then what is later than the smallest delay is late by that', () => {
    const clock = new StreamClock();
    const found = ages(clock, steady(30), (i) => (i === 3 ? 20 : i === 25 ? 420 : 50));
    expect(found.slice(0, 10).every((age) => age === Infinity)).toBe(true);
    expect(found[20]).toBeCloseTo(30, -1);
    expect(found[25]).toBeCloseTo(400, -1);
  });

  test('after a stall the backlog is as old as it is, and what follows is fresh', () => {
    const clock = new StreamClock();
    ages(clock, steady(30), () => 10);
    const burst = ages(clock, steady(26, 30), (i) => 2600 - i * 100 + i);
    expect(burst[0]).toBeGreaterThan(2500);
    expect(burst[20]).toBeGreaterThan(500);
    expect(ages(clock, steady(5, 56), () => 10).every((age) => age < 50)).toBe(true);
  });

  test('a recorder that sends its buffer first: nothing of that is dated', () => {
    const clock = new StreamClock();
    const burst = ages(clock, steady(40), (i) => 4000 - i * 100 + i * 5);
    expect(burst.every((age) => age === Infinity)).toBe(true);
    const after = ages(clock, steady(20, 40), () => 200);
    expect(after.slice(0, 9).every((age) => age === Infinity)).toBe(true);
    expect(after[15]).toBeLessThan(50);
  });

  test('a delay that grows is seen to grow', () => {
    const clock = new StreamClock();
    const found = ages(clock, steady(300), (i) => i * 10);
    expect(found[299]).toBeGreaterThan(2900);
  });

  test('clocks that drift apart by a ten-thousandth, over hours, make nothing late and nothing undated', () => {
    for (const drift of [-1e-4, 1e-4]) {
      const clock = new StreamClock();
      const found = ages(clock, steady(200_000), (i) => 40 + (i % 7) + i * 100 * drift);
      expect(found.slice(11).every((age) => age < 60)).toBe(true);
    }
  });

  test('a camera whose clock runs at half speed is late for ever, one at double speed is never dated', () => {
    const half = ages(new StreamClock(), steady(100), (i) => i * 100);
    expect(half.at(-1)).toBeGreaterThan(9000);
    const double = ages(new StreamClock(), steady(100), (i) => 10_000 - i * 50);
    expect(double.every((age) => age === Infinity)).toBe(true);
  });
});

describe('by arrival', () => {
  const ages = (clock: ArrivalClock, arrivals: readonly number[]): number[] =>
    arrivals.map((arrived) => arrived - clock.date(arrived));

  test('what follows a pause in a burst was taken during the pause', () => {
    const clock = new ArrivalClock(100);
    const before = steady(20).map((at) => START + at);
    expect(ages(clock, before).at(-1)).toBe(0);
    const resumed = START + 1900 + 2600;
    const burst = ages(
      clock,
      Array.from({ length: 26 }, (_, i) => resumed + i),
    );
    expect(burst[0]).toBeGreaterThan(2400);
    expect(burst[15]).toBeGreaterThan(900);
    const after = ages(
      clock,
      steady(12).map((at) => resumed + 100 + at),
    );
    expect(after.at(-1)).toBe(0);
  });

  test('a camera that slows down, in the dark say, is believed again', () => {
    const clock = new ArrivalClock(1000 / 15);
    ages(
      clock,
      Array.from({ length: 60 }, (_, i) => START + i * 67),
    );
    const slow = ages(
      clock,
      Array.from({ length: 30 }, (_, i) => START + 4000 + i * 500),
    );
    expect(slow.slice(15).every((age) => age === 0)).toBe(true);
  });
});

test('a date is never later than the arrival, and never before that of the frame before, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('stream' as const, 'arrival' as const),
      fc.integer({ min: 0, max: 5000 }),
      fc.array(
        fc.tuple(
          fc.oneof(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 5000 })),
          fc.oneof(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 1, max: 100_000 })),
        ),
        { maxLength: 200 },
      ),
      (times, latencyMs, steps) => {
        const clock = createFrameClock({ times, fps: 15, latencyMs });
        let [arrived, stream, before] = [START, 0, -Infinity];
        for (const [wait, step] of steps) {
          arrived += wait;
          stream += step;
          const date = clock.date(arrived, stream);
          expect(date).toBeLessThanOrEqual(arrived - latencyMs);
          if (Number.isFinite(before) && Number.isFinite(date)) expect(date).toBeGreaterThanOrEqual(before - 1e-6);
          if (Number.isFinite(date)) before = date;
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('times that ffmpeg made up count for nothing, and a file that is read as fast as it goes is no backlog', () => {
  const clock = createFrameClock({ times: 'stream', fps: 10, latencyMs: 0 });
  const dates = steady(30).map((at) => clock.date(START + at, UNTIMED_MS + at * 3));
  expect(dates.at(-1)).toBe(START + 2900);
  const file = createFrameClock({ times: 'unpaced', fps: 10, latencyMs: 7 });
  expect([0, 1, 2].map((at) => file.date(START + at, at * 100))).toEqual([9993, 9994, 9995]);
});
