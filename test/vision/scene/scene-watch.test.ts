import fc from 'fast-check';
import type { Frame } from '../../../src/vision/picture/frame';
import { NO_SCENE, SceneWatch, stepScene } from '../../../src/vision/scene/scene-watch';

const LABELS = ['day', 'night'];
const DAY = [0.95, 0.05];
const NIGHT = [0.1, 0.9];
const DUSK = [0.55, 0.45];

const told = (looks: readonly (readonly number[])[], settle = 3): (string | null)[] => {
  let state = NO_SCENE;
  return looks.map((scores) => (state = stepScene(state, LABELS, scores, settle)).scene);
};

describe('stepScene', () => {
  test.each([
    ['the first sure look names the scene', [DUSK, DAY], [null, 'day']],
    ['a change needs three in a row', [DAY, NIGHT, NIGHT, NIGHT], ['day', 'day', 'day', 'night']],
    ['one look between begins anew', [DAY, NIGHT, NIGHT, DAY, NIGHT, NIGHT], Array(6).fill('day')],
    ['an unsure look too', [DAY, NIGHT, NIGHT, DUSK, NIGHT, NIGHT], Array(6).fill('day')],
    ['what is no number tells nothing', [[NaN, NaN], DAY, [NaN, NaN]], [null, 'day', 'day']],
  ])('%s', (_, looks, scenes) => expect(told(looks)).toEqual(scenes));

  test('never changes faster than settle looks allow, whatever is seen', () => {
    const score = fc.double({ min: 0, max: 1 });
    fc.assert(
      fc.property(fc.array(score, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (days, settle) => {
        const scenes = told(
          days.map((day) => [day, 1 - day]),
          settle,
        );
        let since = Infinity;
        scenes.forEach((scene, i) => {
          const before = scenes[i - 1] ?? null;
          since++;
          if (before === null || scene === before) return;
          expect(since).toBeGreaterThanOrEqual(settle);
          since = 0;
        });
      }),
    );
  });
});

test('looks every so often, and tells changes alone', async () => {
  const looks = [DAY, NIGHT, NIGHT];
  let asked = 0;
  const classifier = {
    labels: LABELS,
    running: { task: 'scene', name: 'scene', version: '1.0.0', sha256: '', providersAsked: [], provider: 'cpu' },
    classify: () => Promise.resolve({ scores: looks[asked++] ?? NIGHT }),
    dispose: () => Promise.resolve(),
  };
  const watch = new SceneWatch('cam', classifier, { everyMs: 1000, settle: 2 });
  const frame: Frame = { width: 1, height: 1, data: new Uint8Array(3) };
  const changes = [];
  for (const mono of [0, 10, 999, 1000, 1500, 2000, 3000]) {
    const change = await watch.observe(mono, frame);
    if (change !== null) changes.push([mono, change.scene, change.score]);
  }
  expect(asked).toBe(4);
  expect(changes).toEqual([
    [0, 'day', 0.95],
    [2000, 'night', 0.9],
  ]);
});
