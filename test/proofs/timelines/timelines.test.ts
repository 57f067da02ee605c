import { type Picture, type Timeline } from './timeline';
import { faultsOf } from './oracle';
import { play } from './play';
import { proveTimelines } from './proof';

/** The short form of `npm run timelines -- 10000`. */
test('no door opens on a picture from before the swipe or from after the member left, whatever the camera does', () => {
  const { faults, ...figures } = proveTimelines(400, 20_260);
  expect(faults).toEqual([]);
  expect(figures.grants).toBeGreaterThan(300);
  expect(figures.late).toBeGreaterThan(10_000);
  expect(figures.calmWithGrants).toBeGreaterThan(0);
});

describe('the oracle finds', () => {
  const picture = (captured: number, delay: number, shows: Picture['shows']): Picture => ({
    ...{ captured, arrived: captured + delay, streamMs: captured, shows, pixels: captured, first: false },
  });
  const timeline = (pictures: readonly Picture[]): Timeline => ({
    ...{ what: 'drawn by hand', fps: 10, allowedFps: 10, latencyMs: 0, times: 'stream', blind: false, mode: 'verify' },
    ...{ analysisMs: 1, visits: [{ from: 0, to: 5000, who: 'member' }], swipes: [], calm: false, pictures },
  });
  const grantAt = (at: number, since: number) => ({
    ...{ decisions: 1, analysed: 0, late: 0 },
    grants: [{ at, decision: { trigger: 'swipe', since, outcome: 'granted' } as never }],
  });
  const seen = Array.from({ length: 50 }, (_, i) => picture(i * 100, i < 30 ? 10 : 6000, 'member'));

  test.each([
    ['a good grant', 2500, 2000, 0],
    ['one on pictures that were taken before the swipe', 9500, 6000, 2],
    ['one on two pictures', 2215, 2090, 1],
    ['one long after the member left', 9500, 4000, 2],
  ])('%s', (_what, at, since, count) => {
    expect(faultsOf(timeline(seen), grantAt(at, since))).toHaveLength(count);
  });

  test('a box that dates pictures by their arrival', () => {
    // A stall of six seconds: the backlog of a member who has left, and a swipe of that card after it.
    const stalled = { ...timeline(seen), swipes: [8900] };
    const pictures = stalled.pictures.map((each) => ({ ...each, streamMs: each.arrived }));
    const byArrival = {
      ...stalled,
      pictures: pictures.map((each, i) => (i < 30 ? each : { ...each, arrived: 8950 + i * 40 })),
    };
    expect(faultsOf(stalled, play(stalled))).toEqual([]);
    expect(faultsOf(byArrival, grantAt(10_500, 8900))).not.toEqual([]);
  });
});
