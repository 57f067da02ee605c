import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigSchema, type Config } from '../../../src/config/schema/schema';
import { chooseCameraModels, unknownScenes, withMissing } from '../../../src/daemon/cameras/camera-models';
import { modelsHealth } from '../../../src/daemon/health/publishing';
import { packageRoot } from '../../../src/system/paths';

type Door = Partial<{ liveness: object; scenes: object }>;

function configWith(door: Door, camera: object = {}): Config {
  return ConfigSchema.parse({
    device: { site: 'gym', id: 'box' },
    cameras: [{ id: 'cam', source: { type: 'folder', path: '/nowhere' }, ...camera }],
    doors: [{ id: 'front', camera: 'cam', readers: ['r'], ...door }],
  });
}

let none: string;
beforeAll(() => {
  none = mkdtempSync(join(tmpdir(), 'usher-models-'));
});
afterAll(() => rmSync(none, { recursive: true }));

test('without models nothing is judged, and a door that requires liveness says that no face opens it', async () => {
  const required = await chooseCameraModels(configWith({ liveness: { mode: 'require' } }), none);
  expect(required.of.get('cam')).toEqual({ liveness: null, scene: null, scenes: [] });
  const health = withMissing(modelsHealth('recommended'), required);
  expect(health).toMatchObject({ state: 'degraded' });
  expect(health.detail).toContain('no face opens it');
  expect(health.remedy).toContain('usher models pull minifas');
});

test('a door that only wants to know does not complain', async () => {
  const advised = await chooseCameraModels(configWith({}), none);
  expect(advised.missing).toEqual([]);
  expect(withMissing(modelsHealth('recommended'), advised).state).toBe('ok');
});

test('scenes that are configured and cannot be told are told so', async () => {
  const { missing } = await chooseCameraModels(configWith({ scenes: { night: { targetFmr: 1e-5 } } }), none);
  expect(missing.map(({ detail }) => detail).join()).toContain('strictest');
});

const shipped = join(packageRoot(), 'models', 'scene');

(existsSync(shipped) ? test : test.skip)(
  'the scene model that is here is watched, and names that it never tells are found',
  async () => {
    cpSync(shipped, join(none, 'scene'), { recursive: true });
    const config = configWith({ scenes: { dusk: { targetFmr: 1e-5 } } }, { scene: { quality: { night: {} } } });
    const chosen = await chooseCameraModels(config, none);
    expect(chosen.of.get('cam')).toMatchObject({ scene: 'scene', scenes: ['day', 'night'] });
    expect(unknownScenes(config, chosen)).toEqual(['door front: no scene "dusk"; the model knows day, night']);
    const off = configWith({}, { scene: { mode: 'off' } });
    expect((await chooseCameraModels(off, none)).of.get('cam')?.scene).toBeNull();
  },
);
