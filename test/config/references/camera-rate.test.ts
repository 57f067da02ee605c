import fc from 'fast-check';
import { stringify } from 'yaml';
import { frameIntervalMs, longestIntervalMs } from '../../../src/config/references/camera-rate';
import { parseConfig } from '../../../src/config/load/load';

const stills = (intervalMs?: number) => ({
  type: 'webcam-stills',
  ...(intervalMs === undefined ? {} : { intervalMs }),
});
const folder = { type: 'folder', path: '/a' };
function parse(camera: object, door: object = {}) {
  const config = {
    device: { site: 'gym', id: 'box' },
    cameras: [{ id: 'cam', source: folder, ...camera }],
    doors: [{ id: 'front', camera: 'cam', readers: ['r'], ...door }],
  };
  const parsed = parseConfig(stringify(config), 'test.yaml');
  return { camera: parsed.cameras[0]!, door: parsed.doors[0]! };
}

test.each([
  ['15 fps', {}, [2000, 800, 5000, 3000]],
  ['5 fps', { fps: 5 }, [2000, 800, 5000, 3000]],
  ['2 fps', { fps: 2 }, [2250, 1250, 5000, 3000]],
  ['1 fps', { fps: 1 }, [4500, 2500, 5500, 3000]],
  ['stills as often as they come', { source: stills() }, [4500, 2500, 5500, 3000]],
  [
    'a still every two seconds, half a second late',
    { source: stills(2000), latencyMs: 500 },
    [9000, 5000, 11_500, 6000],
  ],
] as const)('%s: window, absence, deadline and stall are chosen', (_name, camera, expected) => {
  const { door, camera: made } = parse(camera);
  expect([door.voteWindowMs, door.absentMs, door.deadlineMs, made.stallMs]).toEqual(expected);
});

test('what the file says stays', () => {
  const { door } = parse({ fps: 1 }, { voteWindowMs: 20_000, absentMs: 3000, deadlineMs: 30_000 });
  expect([door.voteWindowMs, door.absentMs, door.deadlineMs]).toEqual([20_000, 3000, 30_000]);
});

test.each([
  [
    'window',
    { fps: 1 },
    { voteWindowMs: 1500 },
    /doors\[0\]\.voteWindowMs.*a picture every 1\.0 s, and 3 votes cannot be gathered within this time: at least 2000/,
  ],
  [
    'absence',
    { fps: 1 },
    { absentMs: 800 },
    /doors\[0\]\.absentMs.*would count as gone between two of them: at least 1000/,
  ],
  [
    'deadline',
    { fps: 0.5 },
    { deadlineMs: 5000 },
    /doors\[0\]\.deadlineMs.*a swipe needs 3 of them in time: at least 6000/,
  ],
  ['approach', { fps: 0.5 }, { mode: 'identify', approachMs: 3000 }, /doors\[0\]\.approachMs.*at least 4000/],
  ['votes', { fps: 5 }, { votes: 20, voteWindowMs: 2000 }, /20 votes cannot be gathered/],
  ['delay', { fps: 5, latencyMs: 4800 }, { deadlineMs: 5000 }, /at least 5400/],
  [
    'stall',
    { fps: 0.2, stallMs: 3000 },
    { absentMs: 9000 },
    /cameras\[0\]\.stallMs.*must be more than a picture every 5\.0 s/,
  ],
  ['a still a minute', { source: stills(60_000) }, {}, /doors\[0\]\.absentMs.*at least 60000/],
])('%s that cannot go together with the rate is refused, with the numbers', (_name, camera, door, message) => {
  expect(() => parse(camera, door)).toThrow(message);
});

test('whatever the rate: a configuration that is good without times can gather its votes', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.25, max: 60, noNaN: true }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 3000 }),
      (fps, votes, latencyMs) => {
        const { camera, door } = parse({ fps, latencyMs }, { votes });
        const interval = frameIntervalMs(camera);
        expect(interval).toBeLessThan(longestIntervalMs(door));
        expect(votes * interval + latencyMs).toBeLessThanOrEqual(door.deadlineMs);
        expect(camera.stallMs).toBeGreaterThan(interval);
      },
    ),
  );
});
