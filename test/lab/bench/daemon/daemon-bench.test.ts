import { spawn } from 'node:child_process';
import fc from 'fast-check';
import {
  daemonFigures,
  type DaemonSample,
  lastLessFirst,
  straightLine,
} from '../../../../src/lab/bench/daemon/figures';
import { descendants, sampleProcess } from '../../../../src/lab/bench/daemon/processes';
import { swipeFigures, type SwipeTiming } from '../../../../src/lab/bench/daemon/swipes';
import type { Figure } from '../../../../src/lab/report/figure';

const named = (figures: readonly Figure[]) => Object.fromEntries(figures.map((figure) => [figure.name, figure]));

describe('the figures of a run of the daemon', () => {
  /** Control keeps 100 MB; the vision child has `visionMb` at a time. */
  const run = (minutes: number, visionMb: (atS: number) => number) => {
    const samples: DaemonSample[] = Array.from({ length: 121 }, (_, i) => {
      const atS = (i / 120) * minutes * 60;
      return {
        ...{ atS, camera: null, framesCaptured: 15 * atS, framesAnalysed: 14 * atS, framesDropped: atS },
        control: { rssMb: 100, pssMb: 80, fileDescriptors: 30 },
        vision: { rssMb: visionMb(atS), pssMb: 100, fileDescriptors: 20 },
      };
    });
    return named(daemonFigures({ readyMs: 900, samples, unlocks: 4, refusals: 5, restarts: 0 }));
  };

  test('a steady one meets its goals; what it took to warm up is not held against it', () => {
    const figures = run(30, (atS) => (atS < 100 ? 50 + atS : 150));
    expect(figures['daemon.rss_mb']).toMatchObject({ value: 250, meets: true });
    expect(figures['daemon.rss_growth_mb']).toMatchObject({ value: 0, meets: true });
    expect(figures['daemon.rss_slope_mb_per_h']!.value).toBeCloseTo(0, 6);
    expect(figures['daemon.frames_per_s']!.value).toBeCloseTo(14, 6);
    expect(figures['daemon.frames_dropped']!.value).toBeCloseTo(1 / 15, 6);
    expect(figures['daemon.pss_mb']!.value).toBe(180);
  });

  test('one that leaks does not, and the slope is told with its interval', () => {
    const figures = run(30, (atS) => 150 + (60 * atS) / 3600 + Math.sin(atS));
    expect(figures['daemon.rss_growth_mb']).toMatchObject({ meets: false });
    const { value, low, high } = figures['daemon.rss_slope_mb_per_h']!;
    expect(value).toBeCloseTo(60, 0);
    expect(low).toBeLessThan(60);
    expect(high).toBeGreaterThan(60);
  });

  test('one minute says nothing about growth, and says so', () => {
    expect(run(1, () => 150)['daemon.rss_growth_mb']).toMatchObject({
      value: null,
      note: expect.any(String) as string,
    });
  });

  test('a camera process that began anew has no rates', () => {
    const samples = [100, 5].map((framesAnalysed, i) => ({
      ...{ atS: 10 * i, camera: null, framesCaptured: 0, framesAnalysed, framesDropped: 0 },
      ...{
        control: { rssMb: 1, pssMb: null, fileDescriptors: 1 },
        vision: { rssMb: 1, pssMb: null, fileDescriptors: 1 },
      },
    }));
    const figures = named(daemonFigures({ readyMs: 1, samples, unlocks: 0, refusals: 0, restarts: 1 }));
    expect([figures['daemon.frames_per_s']!.value, figures['daemon.pss_mb']!.value]).toEqual([null, null]);
  });
});

test('a straight line is found whatever its slope, and its quarters differ by three quarters of its rise', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      (slope, offset) => {
        const x = Array.from({ length: 40 }, (_, i) => i / 40);
        const y = x.map((value) => offset + slope * value);
        expect(straightLine(x, y).slope).toBeCloseTo(slope, 6);
        expect(lastLessFirst(y)).toBeCloseTo(0.75 * slope, 6);
      },
    ),
  );
});

describe('the figures of swipes', () => {
  const timing = (toUnlockMs: number | null): SwipeTiming => ({
    ...{ toUnlockMs, reason: toUnlockMs === null ? 'mismatch' : 'match' },
    ...{ gatheringMs: toUnlockMs === null ? null : toUnlockMs - 30, decidingMs: toUnlockMs === null ? null : 30 },
  });

  test('percentiles and parts', () => {
    const figures = named(swipeFigures(Array.from({ length: 101 }, (_, i) => timing(200 + i))));
    expect(figures['door.swipe_to_unlock_p95_ms']).toMatchObject({ value: 295, meets: true });
    expect(figures['door.swipe_to_unlock_p50_ms']!.value).toBe(250);
    expect(figures['door.deciding_frame_to_unlock_p50_ms']!.value).toBe(30);
  });

  test('swipes without an unlock are late for ever: they are not left out', () => {
    const figures = named(
      swipeFigures([
        ...Array.from({ length: 90 }, () => timing(200)),
        ...Array.from({ length: 10 }, () => timing(null)),
      ]),
    );
    expect(figures['door.swipe_to_unlock_p95_ms']).toMatchObject({ value: null, meets: false });
    expect(figures['door.swipe_to_unlock_p50_ms']!.value).toBe(200);
    expect(figures['door.swipes_without_unlock']).toMatchObject({ value: 10, meets: false });
  });
});

describe('processes as Linux tells of them', () => {
  test('this one, and none', () => {
    const sample = sampleProcess(process.pid)!;
    expect(Math.abs(sample.rssMb - process.memoryUsage.rss() / 1e6)).toBeLessThan(50);
    expect(sample.pssMb === null || sample.pssMb <= sample.rssMb * 1.1).toBe(true);
    expect(sample.fileDescriptors).toBeGreaterThan(2);
    expect(sampleProcess(2 ** 22 + 1)).toBeNull();
  });

  test('children and grandchildren, with their parents', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo up; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const below = descendants(process.pid);
    const shell = below.find(({ pid }) => pid === child.pid)!;
    expect(shell).toMatchObject({ parent: process.pid, program: 'sh' });
    const grandchild = () => descendants(process.pid).find(({ parent }) => parent === child.pid);
    // Between fork and exec it is one more shell.
    while (grandchild()?.program === 'sh') await new Promise((resolve) => setTimeout(resolve, 5));
    const sleep = grandchild()!;
    expect(sleep.program).toBe('sleep');
    process.kill(sleep.pid);
    child.kill();
    await new Promise((resolve) => child.once('exit', resolve));
  });
});
