import fc from 'fast-check';
import { PulsedRelay, type Switch } from '../../../src/actuator/switch/relay';

/** A switch that writes down what it was told and when, and fails when the test says so. */
class FakeSwitch implements Switch {
  readonly log: { readonly what: 'on' | 'off'; readonly at: number; readonly ok: boolean }[] = [];
  failOn = 0;
  failOff = 0;
  slowMs = 0;

  constructor(private readonly now: () => number) {}

  on(): Promise<void> {
    return this.note('on', this.failOn-- > 0);
  }

  off(): Promise<void> {
    return this.note('off', this.failOff-- > 0);
  }

  private async note(what: 'on' | 'off', fails: boolean): Promise<void> {
    this.log.push({ what, at: this.now(), ok: !fails });
    if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    if (fails) throw new Error(`${what} failed`);
  }

  get said(): string {
    return this.log.map(({ what, ok }) => (ok ? what : `${what}!`)).join(' ');
  }
}

let now: () => number;
let hardware: FakeSwitch;
let relay: PulsedRelay;
const trouble: (string | null)[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  const start = Date.now();
  now = () => Date.now() - start;
  hardware = new FakeSwitch(now);
  trouble.length = 0;
  relay = new PulsedRelay(hardware, {
    maxOpenMs: 10_000,
    monotonic: now,
    trouble: (message) => trouble.push(message),
    retryMs: 500,
  });
});
afterEach(() => jest.useRealTimers());

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test('on, so long, off', async () => {
  const done = relay.pulse(3000);
  await pass(2999);
  expect(hardware.said).toBe('on');
  expect(relay.open).toBe(true);
  await pass(1);
  await done;
  expect(hardware.said).toBe('on off');
  expect(relay.open).toBe(false);
});

test('a second unlock prolongs, up to the cap; never on twice', async () => {
  const all = [relay.pulse(3000)];
  for (let i = 0; i < 6; i++) {
    await pass(2000);
    if (relay.open) all.push(relay.pulse(3000));
  }
  await pass(20_000);
  await Promise.all(all);
  const [on, off] = hardware.log;
  expect(off!.at - on!.at).toBe(10_000);
  expect(relay.open).toBe(false);
});

test('a shorter one does not shorten', async () => {
  const first = relay.pulse(3000);
  await pass(100);
  void relay.pulse(200);
  await pass(2000);
  expect(relay.open).toBe(true);
  await pass(900);
  await first;
});

test('off even when on failed; the failure is told', async () => {
  hardware.failOn = 1;
  const done = relay.pulse(3000);
  const told = expect(done).rejects.toThrow('on failed');
  await pass(0);
  await told;
  expect(hardware.said).toBe('on! off');
  void relay.pulse(100);
  await pass(200);
  expect(hardware.said).toBe('on! off on off');
});

test('off is tried until it succeeds, and both are told', async () => {
  hardware.failOff = 3;
  const done = relay.pulse(1000);
  await pass(1000 + 3 * 500);
  await done;
  expect(hardware.said).toBe('on off! off! off! off');
  expect(trouble).toEqual(['off failed', 'off failed', 'off failed', null]);
});

test('an unlock while it is being secured opens a moment later; one that waited too long does not', async () => {
  hardware.slowMs = 200;
  const first = relay.pulse(1000);
  await pass(1250);
  const second = relay.pulse(1000);
  await pass(100);
  await first;
  await pass(3000);
  await second;
  expect(hardware.said).toBe('on off on off');
  hardware.failOff = 5;
  void relay.pulse(1000);
  await pass(1500);
  const late = expect(relay.pulse(1000)).rejects.toThrow('could not be secured');
  await pass(10_000);
  await late;
  expect(hardware.log.filter(({ what }) => what === 'on')).toHaveLength(3);
});

test('an unlock that waited for a second opens, one that waited longer does not', async () => {
  const waiting = async (failures: number) => {
    hardware.log.length = 0;
    hardware.failOff = failures;
    const first = relay.pulse(1000);
    await pass(1000);
    const second = relay.pulse(1000).then(
      () => 'opened',
      () => 'refused',
    );
    await pass(10_000);
    await first;
    return `${await second}: ${hardware.said}`;
  };
  expect(await waiting(2)).toBe('opened: on off! off! off on off');
  expect(await waiting(3)).toBe('refused: on off! off! off! off');
});

test('stopping ends when the relay is secured, not before', async () => {
  hardware.slowMs = 200;
  void relay.pulse(3000);
  await pass(500);
  let stopped = false;
  const stopping = relay.stop().then(() => (stopped = true));
  await pass(199);
  expect([hardware.said, stopped]).toEqual(['on off', false]);
  await pass(1);
  await stopping;
});

test('stopping secures at once, whether open or not, and nothing opens after it', async () => {
  const done = relay.pulse(3000);
  await pass(500);
  const stopped = relay.stop();
  await pass(0);
  await stopped;
  await done;
  expect(hardware.log.map(({ at }) => at)).toEqual([0, 500]);
  await expect(relay.pulse(1000)).rejects.toThrow('stopped');
  const idle = new PulsedRelay(hardware, { maxOpenMs: 1000, monotonic: now, trouble: () => undefined });
  await idle.stop();
  expect(hardware.said).toBe('on off off');
});

test('whatever comes and fails: never open longer than the cap, and secured at the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 100, max: 60_000 })), { maxLength: 15 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      async (pulses, failOn, failOff) => {
        const fake = new FakeSwitch(now);
        fake.failOn = failOn;
        fake.failOff = failOff;
        const under = new PulsedRelay(fake, { maxOpenMs: 10_000, monotonic: now, trouble: () => undefined });
        for (const [waitMs, ms] of pulses) {
          await pass(waitMs);
          under.pulse(ms).catch(() => undefined);
        }
        await pass(60_000);
        let openSince: number | null = null;
        for (const { what, at, ok } of fake.log) {
          if (what === 'on') {
            expect(openSince).toBeNull();
            openSince = at;
          } else if (openSince !== null) {
            expect(at - openSince).toBeLessThanOrEqual(10_000 + 3 * 500);
            if (ok) openSince = null;
          }
        }
        expect(openSince).toBeNull();
      },
    ),
    { numRuns: 60 },
  );
});
