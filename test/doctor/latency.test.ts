import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeLatency, latencyOf } from '../../src/cli/doctor/latency';
import { CameraConfig } from '../../src/config/schema/cameras';
import { delayOf, measureLatency } from '../../src/doctor/latency';
import { monotonicMs } from '../../src/system/clock';
import { childrenRunning, describeWithFfmpeg } from '../support/processes';

describe('when the signal came through', () => {
  const samples = (change: number, from = 120, to = 10) =>
    Array.from({ length: 60 }, (_, i) => ({ arrived: i * 100, brightness: (i * 100 >= change ? to : from) + (i % 3) }));

  test.each([
    ['a covered lens', samples(3400), 2000, 1400],
    ['a flash in the dark', samples(3400, 5, 200), 2000, 1400],
    ['nothing', samples(9999), 2000, null],
    ['a lamp that is a little brighter', samples(3400, 100, 115), 2000, null],
    ['nothing before the signal', samples(3400).slice(30), 2900, null],
  ])('%s', (_what, list, at, delay) => {
    expect(delayOf(list, at)).toBe(delay);
  });

  test('one odd frame is no signal', () => {
    const list = samples(3400).map((sample, i) => (i === 25 ? { ...sample, brightness: 0 } : sample));
    expect(delayOf(list, 2000)).toBe(1400);
  });
});

test('what to set: nothing for an ordinary delay, else to ten milliseconds', () => {
  const measured = (medianMs: number) => ({ medianMs, delaysMs: [medianMs - 20, medianMs, medianMs + 30] });
  expect(latencyOf(measured(180))).toBe(0);
  expect(latencyOf(measured(1234))).toBe(1230);
  expect(describeLatency('front', 0, measured(1234))).toMatch(
    /1234 ms.*1214, 1234, 1264[^]*Set latencyMs: 1230.*front.*now 0/,
  );
  expect(describeLatency('front', 1200, measured(1234))).toContain('latencyMs: 1200 is correct');
});

/** A camera in software: a picture every 50 ms, through a real ffmpeg, so many milliseconds after it was taken. */
class LateCamera {
  brightness = 200;
  private readonly queue: { readonly due: number; readonly frame: Buffer }[] = [];
  private readonly pipe: WriteStream;
  private readonly timer: NodeJS.Timeout;

  constructor(file: string, delayMs: number) {
    execFileSync('mkfifo', [file]);
    this.pipe = createWriteStream(file);
    this.pipe.on('error', () => undefined);
    this.pipe.write('YUV4MPEG2 W64 H64 F20:1 Ip A1:1 C420jpeg\n');
    this.timer = setInterval(() => {
      const picture = Buffer.alloc((64 * 64 * 3) / 2, 128).fill(this.brightness, 0, 64 * 64);
      // Two frames are never the same.
      picture[0] = this.queue.length % 2;
      this.queue.push({ due: monotonicMs() + delayMs, frame: Buffer.concat([Buffer.from('FRAME\n'), picture]) });
      while ((this.queue[0]?.due ?? Infinity) <= monotonicMs())
        this.pipe.write((this.queue.shift() as { frame: Buffer }).frame);
    }, 50);
  }

  stop(): void {
    clearInterval(this.timer);
    this.pipe.destroy();
  }
}

describeWithFfmpeg('a real ffmpeg', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-latency-'));
  afterAll(async () => {
    while (childrenRunning('ffmpeg').length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    rmSync(dir, { recursive: true, force: true });
  });

  const measured = async (delayMs: number): Promise<number> => {
    const input = path.join(dir, `late-${delayMs}.y4m`);
    const camera = new LateCamera(input, delayMs);
    try {
      const config = CameraConfig.parse({
        ...{ id: 'late', width: 64, height: 64, fps: 20, startMs: 60_000 },
        source: { type: 'ffmpeg', input, realtime: false },
      });
      const { medianMs, delaysMs } = await measureLatency(config, {
        rounds: 3,
        signal: () => {
          camera.brightness = 20;
          return Promise.resolve(monotonicMs());
        },
        clear: () => {
          camera.brightness = 200;
          return Promise.resolve();
        },
      });
      expect(delaysMs).toHaveLength(3);
      return medianMs;
    } finally {
      camera.stop();
    }
  };

  test('a delay of two seconds is found as such, and none as next to none', async () => {
    const [none, late] = [await measured(0), await measured(2000)];
    expect(late).toBeGreaterThan(1900);
    expect(none).toBeLessThan(late);
  }, 180_000);
});
