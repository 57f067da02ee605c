import { join } from 'node:path';
import { ConfigSchema } from '../../../src/config/schema/schema';
import { chooseCameraModels } from '../../../src/daemon/cameras/camera-models';
import { readCard } from '../../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { packageRoot } from '../../../src/system/paths';
import type { Frame } from '../../../src/vision/picture/frame';
import { loadScene, SCENE_MODEL } from '../../../src/vision/scene/scene';

/** The bundle of the repository, not one that was installed beside it. */
const MODELS = join(packageRoot(), 'models');

/** A street under a sky, and lamps in the street. */
function street(sky: readonly number[], ground: readonly number[], lamp: readonly number[]): Frame {
  const [width, height] = [640, 360];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const isLamp = y > 150 && y < 158 && x % 80 < 8;
      const colour = isLamp ? lamp : y < 160 ? sky : ground;
      for (let c = 0; c < 3; c++) data[3 * (y * width + x) + c] = (colour[c] as number) + ((x * 7 + y * 13) % 9);
    }
  return { width, height, data };
}

test('it loads, which reproduces its golden vectors, and tells a day from a night', async () => {
  const scene = await loadScene(MODELS, SCENE_MODEL, CPU_ONE_THREAD);
  try {
    expect(scene.labels).toEqual(['day', 'night']);
    const day = await scene.classify(street([150, 190, 235], [110, 115, 100], [120, 120, 120]));
    const night = await scene.classify(street([6, 8, 18], [14, 13, 12], [240, 210, 140]));
    expect(day.scores[0]).toBeGreaterThan(0.8);
    expect(night.scores[1]).toBeGreaterThan(0.8);
  } finally {
    await scene.dispose();
  }
});

test('a camera whose configuration says nothing of scenes runs it', async () => {
  const config = ConfigSchema.parse({
    device: { site: 'gym', id: 'box' },
    cameras: [{ id: 'cam', source: { type: 'folder', path: 'pictures' } }],
  });
  const { of, missing } = await chooseCameraModels(config, MODELS);
  expect(missing).toEqual([]);
  expect(of.get('cam')).toMatchObject({ scene: SCENE_MODEL, scenes: ['day', 'night'] });
});

test('its card says where its pictures came from, by which command it was made, and what it reaches', async () => {
  const { licence, figures } = await readCard(join(MODELS, SCENE_MODEL));
  expect(licence.origin).toMatch(/^trained by: usher train scene /);
  expect(licence.trainingData).toContain('AMOS');
  expect(figures.find(({ name }) => name === 'scene.accuracy')?.value).toBeGreaterThanOrEqual(0.98);
});
