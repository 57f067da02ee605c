import sharp from 'sharp';
import { judgePicture } from '../../../src/access/members/enrolment';
import type { AnalysedFace, FaceAnalyser } from '../../../src/vision/faces/analyser';
import { loadAnalyser } from '../../../src/vision/faces/load';
import { readPicture } from '../../../src/vision/picture/picture';
import { QUARTER_TURNS, turnFrame } from '../../../src/vision/picture/turn';
import { analyseUpright } from '../../../src/vision/faces/upright';
import { describeWithLondon, installedModels, london, plainFrame } from '../../support/faces';
import { CameraConfig } from '../../../src/config/schema/cameras';

const gates = CameraConfig.parse({ id: 'c', source: { type: 'folder', path: '/' } }).quality;
const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0));

/** Scores of the four turns, in their order. */
const scored = (scores: readonly number[]): Pick<FaceAnalyser, 'still'> => {
  let at = 0;
  return {
    still: () => {
      const score = scores[at++] as number;
      return Promise.resolve({ faces: score === 0 ? [] : [{ score } as AnalysedFace] });
    },
  };
};
test.each([
  [[0.95, 0.8, 0.85, 0.8], 0],
  [[0.85, 0.8, 0.95, 0.8], 180],
  [[0.8, 0.95, 0.8, 0.85], 90],
  [[0, 0, 0, 0.9], 270],
  [[0.9, 0.8, 0.91, 0.8], null],
  [[0.9, 0.899, 0.9, 0.8], 0],
  [[0, 0, 0, 0], 0],
] as const)('scores %j: turned by %s', async (scores, rotate) => {
  expect((await analyseUpright(scored(scores), plainFrame(4, 4))).rotate).toBe(rotate);
});

test('which way is up cannot be told: refused with the reason', () => {
  const face = { quality: {} as never, refusal: null, embedding: new Float32Array(2) };
  expect(judgePicture({ name: 'a', faces: [face], rotate: null })).toMatchObject({
    refusal: { reason: 'which-way-up' },
  });
});

describeWithLondon('real faces that are turned', () => {
  let analyser: FaceAnalyser;
  beforeAll(async () => {
    analyser = await loadAnalyser({
      ...{ modelsDir: installedModels, models: { detector: 'yunet-n', encoder: 'mbf' }, minFacePx: 80, gates },
      ...{ execution: { providers: ['cpu'], threads: 1 }, region: { x: 0, y: 0, width: 1, height: 1 } },
    });
  });
  afterAll(() => analyser.dispose());

  test.each([0, 7, 23, 41])(
    'person %i: whichever way the picture lies, the template is that of the upright one',
    async (person) => {
      const frame = await readPicture(london(person, 'neutral'));
      const upright = (await analyser.still(frame)).faces[0]!.embedding!;
      for (const rotate of QUARTER_TURNS) {
        const still = await analyseUpright(analyser, turnFrame(frame, { rotate, flip: 'none' }));
        expect(still.rotate).toBe((360 - rotate) % 360);
        expect(distance(still.faces[0]!.embedding!, upright)).toBeLessThan(0.1);
      }
    },
  );

  test('what was enrolled before: an upside-down picture is accepted, and far from the person', async () => {
    const frame = await readPicture(london(8, 'neutral'));
    const upright = (await analyser.still(frame)).faces[0]!;
    const { faces } = await analyser.still(turnFrame(frame, { rotate: 180, flip: 'none' }));
    expect(faces[0]!.refusal).toBeNull();
    expect(distance(faces[0]!.embedding!, upright.embedding!)).toBeGreaterThan(1.1);
  });

  test('EXIF that says how the camera was held, and EXIF that lies', async () => {
    const upright = await sharp(london(3, 'neutral')).toBuffer();
    const honest = await sharp(upright).rotate(90).withMetadata({ orientation: 8 }).jpeg().toBuffer();
    const lying = await sharp(upright).withMetadata({ orientation: 3 }).jpeg().toBuffer();
    expect((await analyseUpright(analyser, await readPicture(honest))).rotate).toBe(0);
    expect((await analyseUpright(analyser, await readPicture(lying))).rotate).toBe(180);
  });
});

test.each([
  ['HEIC', Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]), /is a HEIC picture/],
  ['PDF', Buffer.from('%PDF-1.7\n'), /is a PDF document/],
  ['SVG', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), /is an SVG drawing/],
  ['BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]), /is a BMP picture/],
])('%s is called by its name, with what to save it as', async (_name, bytes, message) => {
  await expect(readPicture(bytes)).rejects.toMatchObject({
    code: 'picture-invalid',
    message: expect.stringMatching(message) as string,
    remedy: expect.stringContaining('JPEG') as string,
  });
});
