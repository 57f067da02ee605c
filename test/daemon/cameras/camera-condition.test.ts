import fc from 'fast-check';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { conditionOf } from '../../../src/daemon/cameras/camera-condition';
import type { CameraStatus, PictureFault } from '../../../src/events';

const camera = CameraConfig.parse({ id: 'cam', source: { type: 'folder', path: '/nowhere' }, stallMs: 1000, fps: 10 });
const status = (change: Partial<CameraStatus>): CameraStatus => ({
  ...{ kind: 'camera', camera: 'cam', at: 100_000, state: 'live', detail: null, restarts: 0 },
  ...{ framesCaptured: 90, framesAnalysed: 80, framesDropped: 1, framesLate: 0, framesRepeated: 0 },
  ...{ lastFrameAt: 99_990, lastAnalysisAt: 99_980, lastChangeAt: 99_990, intervalMs: 101.2, trouble: null },
  ...change,
});
const trouble = (kind: PictureFault) => ({ kind, since: 90_000, measure: 0.1, limit: 0.3 });

test.each([
  ['ok', 'live', true, null, {}],
  ['ok', 'live, nothing analysed yet', true, null, { framesAnalysed: 0, lastAnalysisAt: null }],
  ['failed', 'frozen', false, /^frozen: every frame is the same picture since 1970/, { trouble: trouble('frozen') }],
  ['failed', 'black', false, /^the picture is black \(brightness 0 of 255/, { trouble: trouble('black') }],
  ['failed', 'covered', false, /only one tone/, { trouble: trouble('covered') }],
  ['degraded', 'blurred', true, /^out of focus: 10 % of the sharpness/, { trouble: trouble('blurred') }],
  ['degraded', 'moved', true, /its view has changed: similarity 0.10/, { trouble: trouble('moved') }],
  ['degraded', 'turned', true, /on their side or on their head/, { trouble: trouble('turned') }],
  ['failed', 'frozen, opened again', false, /^frozen/, { state: 'failed', restarts: 1, trouble: trouble('frozen') }],
  ['failed', 'its frames analysed by nobody', false, /none was analysed for 2 s/, { lastAnalysisAt: 98_000 }],
  ['failed', 'all of its frames late', false, /90 frames, 85 late/, { lastAnalysisAt: 90_000, framesLate: 85 }],
  ['starting', 'a stream that settles', false, null, { framesAnalysed: 0, lastAnalysisAt: null, framesLate: 9 }],
  ['ok', 'still for a while', true, null, { lastAnalysisAt: 90_000, lastChangeAt: 90_010, framesRepeated: 50 }],
  ['starting', 'first start', false, null, { state: 'starting', framesAnalysed: 0, lastAnalysisAt: null }],
  ['failed', 'starting again', false, /is starting \(90 frames/, { state: 'starting', restarts: 3 }],
  ['failed', 'unplugged', false, /^unplugged$/, { state: 'failed', detail: 'unplugged' }],
] as const)('%s: %s', (state, _name, live, detail, change) => {
  const { live: isLive, health } = conditionOf(status(change), camera);
  expect([health.state, isLive]).toEqual([state, live]);
  if (detail === null) expect(health.detail).toBeNull();
  else expect(health.detail).toMatch(detail);
});

test('a slow camera is not behind between two of its stills', () => {
  const stills = { type: 'webcam-stills', device: '/dev/video0', intervalMs: 60_000 } as const;
  const slow = CameraConfig.parse({ id: 'cam', source: stills, stallMs: 1000 });
  expect(conditionOf(status({ lastAnalysisAt: 50_000 }), slow).live).toBe(true);
});

test('whatever a camera reports: not failed means live or starting, failed says why, and never "is live"', () => {
  const any = fc.record({
    state: fc.constantFrom<CameraStatus['state']>('starting', 'live', 'stalled', 'ended', 'failed'),
    detail: fc.constantFrom(null, 'unplugged'),
    restarts: fc.nat(3),
    framesAnalysed: fc.nat(3),
    framesLate: fc.nat(3),
    lastAnalysisAt: fc.option(fc.integer({ min: 0, max: 100_000 })),
    lastChangeAt: fc.option(fc.integer({ min: 0, max: 100_000 })),
    trouble: fc.option(
      fc.constantFrom<PictureFault>('frozen', 'black', 'covered', 'blurred', 'moved', 'turned').map(trouble),
    ),
  });
  fc.assert(
    fc.property(any, (change) => {
      const { live, health } = conditionOf(status(change), camera);
      expect(live).toBe(health.state === 'ok' || health.state === 'degraded');
      if (health.state === 'failed' || health.state === 'degraded') expect(health.detail).not.toBeNull();
      expect(health.detail ?? '').not.toMatch(/is live/);
      if (['frozen', 'black', 'covered'].includes(change.trouble?.kind ?? '')) expect(live).toBe(false);
    }),
  );
});
