import { CameraConfig } from '../../../src/config/schema/cameras';
import { SceneService } from '../../../src/daemon/cameras/scene-service';
import { createLog } from '../../../src/system/log';

const camera = CameraConfig.parse({
  id: 'cam',
  source: { type: 'folder', path: '/nowhere' },
  scene: {
    commands: { day: ['/bin/day', 'a b', '$(touch x)'], night: ['/bin/night'] },
    commandGapSeconds: 10,
  },
});

function serviceWith(outcome: () => Promise<void> = () => Promise.resolve()) {
  let mono = 0;
  const started: string[][] = [];
  const published: unknown[] = [];
  let log = '';
  const service = new SceneService(
    camera,
    { publish: (key, params, payload) => (published.push([key, params, payload]), 'sent') },
    () => mono,
    createLog({ level: 'info', format: 'text', write: (line) => (log += line) }, 'cam'),
    (argv) => {
      started.push([...argv]);
      return outcome();
    },
  );
  return {
    ...{ service, started, published },
    log: () => log,
    change: (scene: string) =>
      service.change({ kind: 'scene', camera: 'cam', at: 1_700_000_000_000, scene, score: 0.9 }),
    pass: async (ms: number) => {
      mono += ms;
      await jest.advanceTimersByTimeAsync(ms);
    },
  };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance', 'queueMicrotask', 'nextTick'] }));
afterEach(() => jest.useRealTimers());

test('tells the scene, and starts its program with the very arguments', async () => {
  const { change, started, published, pass } = serviceWith();
  change('day');
  await pass(0);
  expect(started).toEqual([['/bin/day', 'a b', '$(touch x)']]);
  expect(published).toEqual([
    ['sceneState', { camera: 'cam' }, { v: 1, camera: 'cam', scene: 'day', at: 1_700_000_000_000 }],
  ]);
});

test('at most one program in the gap; then that of the scene of that moment', async () => {
  const { change, started, pass } = serviceWith();
  for (const scene of ['day', 'night', 'day', 'night']) {
    change(scene);
    await pass(1000);
  }
  expect(started).toHaveLength(1);
  await pass(6000);
  expect(started.map(([program]) => program)).toEqual(['/bin/day', '/bin/night']);
});

test('not again for the scene that it was last run for', async () => {
  const { change, started, pass } = serviceWith();
  change('day');
  await pass(1000);
  change('night');
  await pass(1000);
  change('day');
  await pass(60_000);
  expect(started).toHaveLength(1);
});

test('a program that fails is told and does not stop the next', async () => {
  const { change, started, log, pass } = serviceWith(() => Promise.reject(new Error('no such control')));
  change('day');
  await pass(11_000);
  expect(log()).toContain('no such control');
  change('night');
  await pass(0);
  expect(started).toHaveLength(2);
});

test('a scene without a program is told alone; nothing starts after the stop', async () => {
  const { change, started, published, service, pass } = serviceWith();
  change('dusk');
  await pass(0);
  expect(published).toHaveLength(1);
  expect(started).toEqual([]);
  change('day');
  await pass(0);
  change('night');
  service.stop();
  await pass(60_000);
  expect(started).toHaveLength(1);
});
