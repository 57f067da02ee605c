import { CameraConfig } from '../../../src/config/schema/cameras';
import type { FaceAnalyser } from '../../../src/vision/faces/analyser';
import type { Frame } from '../../../src/vision/picture/frame';
import { loadAnalyser } from '../../../src/vision/faces/load';
import { readPicture, shrinkPicture } from '../../../src/vision/picture/picture';
import { QUARTER_TURNS, turnFrame } from '../../../src/vision/picture/turn';
import { stepTurn, type TurnState, TurnWatch, UPRIGHT_SO_FAR } from '../../../src/vision/watch/turn-watch';
import { describeWithLondon, installedModels, london, plainFrame } from '../../support/faces';

const scores = (a: number, b: number, c: number) => new Map([[90, a] as const, [180, b] as const, [270, c] as const]);
const seen: TurnState = { rotate: 180, agreeing: 2 };
test.each([
  ['an upright face', 0.95, [0.8, 0.85, 0.8], UPRIGHT_SO_FAR],
  ['upside down, once more', 0.85, [0.8, 0.95, 0.8], { rotate: 180, agreeing: 3 }],
  ['on its side: another turn begins anew', 0.8, [0.95, 0.84, 0.8], { rotate: 90, agreeing: 1 }],
  ['hardly better', 0.9, [0.8, 0.92, 0.8], UPRIGHT_SO_FAR],
  ['better, but no sure face', 0.5, [0, 0.7, 0], UPRIGHT_SO_FAR],
  ['found only when turned', 0, [0, 0, 0.9], { rotate: 270, agreeing: 1 }],
  ['nobody there', 0, [0, 0, 0], seen],
] as const)('%s', (_name, asItIs, [a, b, c], expected) => {
  expect(stepTurn(seen, asItIs, scores(a, b, c))).toEqual(expected);
});

test('looks rarely: never at a sure face, once a second at a doubtful one, once in ten where there is none', async () => {
  let looks = 0;
  const watch = new TurnWatch(() => Promise.resolve(++looks && 0.85));
  for (let t = 0; t < 20_000; t += 100) await watch.look(plainFrame(4, 2), 0.95, t);
  expect(looks).toBe(0);
  for (let t = 20_000; t < 30_000; t += 100) await watch.look(plainFrame(4, 2), 0.85, t);
  expect(looks).toBe(4 * 10);
  for (let t = 30_000; t < 50_000; t += 100) await watch.look(plainFrame(4, 2), 0, t);
  expect(looks).toBe(4 * 12);
});

describeWithLondon('real faces', () => {
  let analyser: FaceAnalyser;
  beforeAll(async () => {
    analyser = await loadAnalyser({
      ...{ modelsDir: installedModels, models: { detector: 'yunet-n', encoder: 'mbf' }, minFacePx: 60 },
      ...{ execution: { providers: ['cpu'], threads: 1 }, region: { x: 0, y: 0, width: 1, height: 1 } },
      gates: CameraConfig.parse({ id: 'c', source: { type: 'folder', path: '/' } }).quality,
    });
  });
  afterAll(() => analyser.dispose());

  const play = async (frames: readonly Frame[]) => {
    const watch = new TurnWatch((frame) => analyser.bestScore(frame));
    const refused: boolean[] = [];
    for (const [i, frame] of frames.entries()) {
      const { subject } = await analyser.live(frame);
      refused.push(await watch.look(frame, subject?.score ?? 0, i * 1000));
    }
    return { refused, turned: watch.turned };
  };

  test.each(QUARTER_TURNS)(
    'a camera that is turned by %i degrees: refused at once, and named with the key to set',
    async (rotate) => {
      const people = [2, 11, 30, 55];
      const frames = await Promise.all(
        people.map(async (person) => {
          const frame = await shrinkPicture(await readPicture(london(person, 'smiling')), 480);
          return turnFrame(frame, { rotate, flip: 'none' });
        }),
      );
      const { refused, turned } = await play(frames);
      expect(refused).toEqual(people.map(() => rotate !== 0));
      expect(turned).toBe(rotate === 0 ? null : 360 - rotate);
    },
  );
});
