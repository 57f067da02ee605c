import fc from 'fast-check';
import { ClockWatch, monotonicMs } from '../../src/system/clock';

class Clocks {
  wall = Date.UTC(2026, 5, 1);
  monotonic = 1000;
  readonly watch: ClockWatch;

  constructor(floor = 0) {
    this.watch = new ClockWatch({
      wall: () => this.wall,
      monotonic: () => this.monotonic,
      jumpMs: 2000,
      steadyMs: 10_000,
      sureMs: 60_000,
      floor,
    });
  }

  /** `ms` pass, in steps; the wall clock runs at `rate`. */
  pass(ms: number, rate = 1): string | null {
    for (let left = ms; left > 0; left -= 500) {
      const step = Math.min(500, left);
      this.monotonic += step;
      this.wall += step * rate;
      this.watch.check();
    }
    return this.watch.check()?.kind ?? null;
  }

  jump(byMs: number): string | null {
    this.wall += byMs;
    return this.watch.check()?.kind ?? null;
  }
}

test('a clock that keeps pace is believed, however long nobody looks', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1e7 }), { maxLength: 30 }), (pauses) => {
      const clocks = new Clocks();
      for (const pause of pauses) {
        clocks.wall += pause;
        clocks.monotonic += pause;
        expect(clocks.watch.check()).toBeNull();
      }
    }),
  );
});

test.each([-3_600_000, -2500, 2500, 3_600_000, 1e12])(
  'a jump of %d ms is noticed at once, and doubted until it is steady',
  (byMs) => {
    const clocks = new Clocks(0);
    clocks.watch.check();
    expect(clocks.jump(byMs)).toBe('jumped');
    expect(clocks.pass(9000)).toBe('jumped');
    expect(clocks.pass(1500)).toBeNull();
  },
);

test('each further jump begins the wait anew', () => {
  const clocks = new Clocks();
  clocks.watch.check();
  clocks.jump(5000);
  clocks.pass(9000);
  clocks.jump(-5000);
  expect(clocks.pass(9000)).toBe('jumped');
  expect(clocks.pass(1500)).toBeNull();
});

test('a gentle correction is no jump; many small steps are', () => {
  const gentle = new Clocks();
  gentle.watch.check();
  expect(gentle.pass(600_000, 1 + 1 / 12)).toBeNull();
  expect(gentle.pass(600_000, 1 - 1 / 12)).toBeNull();
  expect(gentle.jump(1500)).toBeNull();
  const creeping = new Clocks();
  creeping.watch.check();
  creeping.pass(1000);
  creeping.jump(-1500);
  creeping.pass(1000);
  expect(creeping.jump(-1500)).toBe('jumped');
});

test('a clock behind what an earlier run saw is doubted until it has caught up', () => {
  const clocks = new Clocks(Date.UTC(2026, 5, 1) + 60_000);
  expect(clocks.watch.check()).toMatchObject({
    kind: 'behind',
    detail: expect.stringContaining('2026-06-01') as string,
  });
  expect(clocks.watch.believed()).toBeNull();
  // Set right by a time server: a jump first, then believed.
  expect(clocks.jump(60_000)).toBe('jumped');
  expect(clocks.pass(11_000)).toBeNull();
  expect(clocks.watch.believed()).toBeNull();
  expect(clocks.pass(50_000)).toBeNull();
  expect(clocks.watch.believed()).toBe(clocks.wall);
});

test('a machine that starts ahead and is set right a minute later does not wait until it has caught up', () => {
  const clocks = new Clocks();
  clocks.watch.check();
  clocks.pass(30_000);
  expect(clocks.watch.believed()).toBeNull();
  clocks.jump(-7_200_000);
  expect(clocks.pass(11_000)).toBeNull();
});

test('what it believed it does not let go below, even over small steps', () => {
  const clocks = new Clocks();
  clocks.watch.check();
  clocks.pass(60_000);
  expect(clocks.watch.believed()).toBe(clocks.wall);
  for (let i = 0; i < 4; i++) {
    clocks.jump(-900);
    clocks.pass(60_000, 0.985);
  }
  expect(clocks.watch.believed()).not.toBeNull();
  expect(clocks.jump(-1e6)).not.toBeNull();
});

test('the monotonic clock is the machine’s own: it does not go back', () => {
  let before = monotonicMs();
  for (let i = 0; i < 1000; i++) {
    const now = monotonicMs();
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
  }
});
