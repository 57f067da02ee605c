import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildFallbackSet } from '../../../src/bundles/face-api/build';
import { FaceApiReference, type FaceApiFace } from '../../../src/lab/bench/face-api';
import type { FaceEncoder, FaceLandmarker } from '../../../src/vision/faces/faces';
import type { Frame } from '../../../src/vision/picture/frame';
import { l2Distance } from '../../../src/store/members/vector';
import { readPicture } from '../../../src/vision/picture/picture';
import type { TinyYoloDetector } from '../../../src/vision/faces/tiny-yolo';
import { openFallbackSet } from '../../support/fallback-set';

const SAMPLES = path.join(path.dirname(require.resolve('@vladmandic/face-api/package.json')), 'demo');
/** Faces that the library itself finds in sample1.jpg … sample6.jpg at its default size of 416. */
const FACES = [3, 1, 3, 3, 5, 5];

describe('the fallback set beside the library that it was built from', () => {
  const reference = new FaceApiReference();
  let modelsDir: string;
  let detector: TinyYoloDetector;
  let landmarker: FaceLandmarker;
  let encoder: FaceEncoder;
  const worst = { box: 0, score: 0, landmark: 0, descriptor: 0, faces: 0 };

  beforeAll(async () => {
    modelsDir = await mkdtemp(path.join(os.tmpdir(), 'usher-fallback-'));
    await buildFallbackSet(modelsDir);
    ({ detector, landmarker, encoder } = await openFallbackSet(modelsDir));
    await reference.load();
  }, 60_000);

  afterAll(async () => {
    process.stdout.write(
      `  ${worst.faces} faces, worst difference from face-api: box ${worst.box.toExponential(1)} px, score ${worst.score.toExponential(1)}, ` +
        `landmark ${worst.landmark.toExponential(1)} px, descriptor L2 ${worst.descriptor.toExponential(1)}\n`,
    );
    for (const part of [detector, landmarker, encoder]) await part.dispose();
    await rm(modelsDir, { recursive: true });
  });

  async function ours(frame: Frame, inputSize: number): Promise<FaceApiFace[]> {
    const faces: FaceApiFace[] = [];
    for (const { box, score } of await detector.detectAt(frame, inputSize)) {
      const shape = await landmarker.locate(frame, box);
      const descriptor = await encoder.encode(encoder.align(frame, shape)!);
      faces.push({ box, score, landmarks: shape.points, descriptor });
    }
    return faces;
  }

  async function compare(frame: Frame, inputSize: number): Promise<number> {
    const theirs = await reference.describe(frame, { inputSize });
    const mine = await ours(frame, inputSize);
    expect(mine).toHaveLength(theirs.length);
    mine.forEach((face, i) => {
      const other = theirs[i]!;
      const box = Math.max(
        ...(['x', 'y', 'width', 'height'] as const).map((key) => Math.abs(face.box[key] - other.box[key])),
      );
      const landmark = Math.max(
        ...face.landmarks.map((p, j) => Math.hypot(p.x - other.landmarks[j]!.x, p.y - other.landmarks[j]!.y)),
      );
      const descriptor = l2Distance(face.descriptor, other.descriptor);
      worst.box = Math.max(worst.box, box);
      worst.score = Math.max(worst.score, Math.abs(face.score - other.score));
      worst.landmark = Math.max(worst.landmark, landmark);
      worst.descriptor = Math.max(worst.descriptor, descriptor);
      worst.faces++;
      expect(box).toBeLessThan(1);
      expect(landmark).toBeLessThan(1);
      expect(descriptor).toBeLessThan(0.01);
    });
    return theirs.length;
  }

  it.each(FACES.map((faces, i) => [i + 1, faces]))('sample%i.jpg: %i faces', async (number, faces) => {
    const frame = await readPicture(path.join(SAMPLES, `sample${number}.jpg`));
    expect(await compare(frame, 416)).toBe(faces);
  });

  it('agrees at another detection size', async () => {
    expect(await compare(await readPicture(path.join(SAMPLES, 'sample4.jpg')), 608)).toBeGreaterThan(0);
  });

  it('agrees on faces that the edge of the picture cuts, in landscape and portrait', async () => {
    const whole = await readPicture(path.join(SAMPLES, 'sample5.jpg'));
    const { box } = (await reference.detect(whole, { inputSize: 416 }))[0]!;
    const x = Math.round(box.x + box.width * 0.15);
    const y = Math.round(box.y + box.height * 0.05);
    const below = Math.round(box.y + box.height * 0.85);
    let faces = 0;
    for (const [left, top, width, height] of [
      [x, 0, 901, whole.height],
      [0, y, 1501, 601],
      [0, below - 700, 1200, 700],
    ] as const) {
      faces += await compare(cut(whole, left, Math.max(0, top), width, height), 416);
    }
    expect(faces).toBeGreaterThan(2);
  });

  it('matches by L2 distance, as the library’s own matcher does', () => {
    const people = [0, 1, 2].map((person) =>
      Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * (person + 1)) / 9),
    );
    const query = people[1]!.map((value, i) => value + (i % 2) * 0.01);
    const found = reference.matcher(people, 0.6).findBestMatch(query);
    expect(found.label).toBe('person 2');
    expect(found.distance).toBeCloseTo(l2Distance(query, people[1]!), 5);
    expect(reference.matcher(people, 0.01).findBestMatch(query).label).toBe('unknown');
  });

  it('asks for load() first', async () => {
    const idle = new FaceApiReference();
    expect(() => idle.matcher([])).toThrow('load() first');
    await expect(idle.detect({ width: 1, height: 1, data: new Uint8Array(3) }, { inputSize: 128 })).rejects.toThrow(
      'load() first',
    );
  });
});

function cut(frame: Frame, left: number, top: number, width: number, height: number): Frame {
  const right = Math.min(frame.width, left + width);
  const data = new Uint8Array((right - left) * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * frame.width + left) * 3;
    data.set(frame.data.subarray(start, start + (right - left) * 3), row * (right - left) * 3);
  }
  return { width: right - left, height, data };
}
