import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CameraConfig } from '../../../src/config/schema/cameras';
import type { ComponentHealth } from '../../../src/daemon/health/health';
import { VisionService } from '../../../src/daemon/cameras/vision-service';
import type { CameraStatus, VisionEvent } from '../../../src/events';
import { createLog } from '../../../src/system/log';
import type { VisionJob } from '../../../src/vision/job';
import { faceAt, observation } from '../../support/members';
import { until } from '../../support/until';

/** A process in the place of a vision child: says what its job tells it to, then waits, goes on reporting, or ends with a code. */
const SCRIPTED = `
process.on('message', ({ script, exit, every }) => {
  for (const event of script) process.send(event);
  if (every !== undefined) setInterval(() => process.send(every), 200);
  if (exit !== undefined) setImmediate(() => process.exit(exit));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
`;
const dir = mkdtempSync(join(tmpdir(), 'usher-vision-service-'));
const entry = join(dir, 'scripted.js');
writeFileSync(entry, SCRIPTED);

const camera = CameraConfig.parse({ id: 'cam', source: { type: 'folder', path: '/nowhere' }, stallMs: 1000 });
const status = (change: Partial<CameraStatus>): CameraStatus => ({
  ...{ kind: 'camera', camera: 'cam', at: 100_000, state: 'live', detail: null },
  ...{
    framesCaptured: 9,
    framesAnalysed: 8,
    framesDropped: 1,
    framesLate: 0,
    restarts: 0,
    lastFrameAt: 99_990,
    lastAnalysisAt: 99_980,
    framesRepeated: 0,
    lastChangeAt: 99_990,
    intervalMs: 125,
    trouble: null,
  },
  ...change,
});

const services: VisionService[] = [];
function serviceWith(script: readonly VisionEvent[], exit?: number, every?: VisionEvent) {
  const heard = {
    health: [] as ComponentHealth[],
    live: [] as boolean[],
    observed: [] as number[],
    scenes: [] as string[],
    ready: 0,
    log: '',
  };
  const service = new VisionService(
    camera,
    entry,
    { script, exit, every } as unknown as VisionJob,
    {
      observation: ({ mono }) => heard.observed.push(mono),
      live: (live) => heard.live.push(live),
      ready: () => heard.ready++,
      scene: ({ scene }) => heard.scenes.push(scene),
      health: (health) => heard.health.push(health),
    },
    createLog({ level: 'debug', format: 'text', write: (line) => (heard.log += line) }, 'cam'),
  );
  services.push(service);
  return { service, heard };
}
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});
afterAll(() => rmSync(dir, { recursive: true }));

test('from the start to the first pictures: starting, then ok; observations pass, vectors whole', async () => {
  const { service, heard } = serviceWith([
    { kind: 'ready', camera: 'cam', at: 1, space: 'test-1', models: [] },
    status({ state: 'starting', framesAnalysed: 0, lastAnalysisAt: null }),
    status({ framesAnalysed: 0, lastAnalysisAt: null }),
    observation(5, faceAt(0)),
    status({}),
  ]);
  service.start();
  await until('four states of health', () => heard.health.length === 4);
  expect(heard.health.map(({ state, lastProgressAt }) => [state, lastProgressAt])).toEqual([
    ['starting', null],
    ['starting', null],
    ['ok', null],
    ['ok', 99_980],
  ]);
  expect([heard.ready, heard.observed, heard.live]).toEqual([1, [5], [true]]);
  expect(service.counts).toEqual({ framesCaptured: 9, framesAnalysed: 8, framesDropped: 1, restarts: 0 });
});

test.each<[string, Partial<CameraStatus>, string]>([
  ['stalled', { state: 'stalled', detail: 'no frame for 1000 ms' }, 'no frame for 1000 ms'],
  ['failed', { state: 'failed', detail: 'unplugged' }, 'unplugged'],
  ['ended', { state: 'ended' }, 'the camera is ended (9 frames, 0 late, 1 dropped, 0 restarts)'],
  [
    'starting again',
    { state: 'starting', restarts: 2 },
    'the camera is starting (9 frames, 0 late, 1 dropped, 2 restarts)',
  ],
  [
    'delivering, its frames looked at by nobody',
    { lastAnalysisAt: 98_000 },
    'frames arrive, but none was analysed for 2 s (9 frames, 0 late, 1 dropped, 0 restarts)',
  ],
])('%s: failed, and the doors are told', async (_what, change, detail) => {
  const { service, heard } = serviceWith([status({}), status(change)]);
  service.start();
  await until('the camera to be live, then not', () => heard.live.length === 2);
  expect(heard.live).toEqual([true, false]);
  expect(heard.health.at(-1)).toMatchObject({ state: 'failed', detail });
});

test('a process that cannot go on is failed for its own reason, with the remedy apart', async () => {
  const failed: VisionEvent = { kind: 'failed', message: 'one bit is wrong', remedy: 'fetch it again' };
  const { service, heard } = serviceWith([status({}), failed], 1);
  service.start();
  await until('the camera to have failed', () => heard.health.some(({ state }) => state === 'failed'));
  expect(heard.health.find(({ state }) => state === 'failed')).toEqual({
    ...{ state: 'failed', lastProgressAt: 99_980, detail: 'one bit is wrong', remedy: 'fetch it again' },
  });
  expect(heard.live.slice(0, 2)).toEqual([true, false]);
  expect(heard.log).toMatch(/debug cam: one bit is wrong restarts=1/);
});

test('one that ends without a word is told by its exit code, and another takes its place', async () => {
  const { service, heard } = serviceWith([status({})], 3);
  service.start();
  // It ends as soon as it has told: between two looks there may be more than one of them.
  await until('the camera to be live again', () => heard.live.length >= 3);
  expect(heard.live.slice(0, 3)).toEqual([true, false, true]);
  const told = heard.health.filter(({ state }) => state === 'failed').map(({ detail }) => detail);
  expect(told[0]).toBe('the vision process ended (exit code 3)');
});

test('a stopped process that says nothing: not live within seconds, and live again only when it goes on talking', async () => {
  const { service, heard } = serviceWith([status({})], undefined, status({}));
  service.start();
  await until('the camera to be live', () => heard.live.length === 1);
  const stopped = service.pid!;
  process.kill(stopped, 'SIGSTOP');
  await until('the camera to be live, then not', () => heard.live.length === 2);
  expect(heard.live).toEqual([true, false]);
  expect(heard.health.at(-1)).toMatchObject({ state: 'failed', detail: 'the vision process has stopped reporting' });
  process.kill(stopped, 'SIGCONT');
  await until('the camera to be live again', () => heard.live.length >= 3);
  // The same process: it was not ended for being quiet for so short.
  expect([heard.live.slice(0, 3), service.pid]).toEqual([[true, false, true], stopped]);
  await until('the camera to be well', () => heard.health.at(-1)?.state === 'ok');
});

test('restarted by command: another process, whose pictures count again', async () => {
  const { service, heard } = serviceWith([status({})]);
  service.start();
  await until('the camera to be live', () => heard.live.length === 1);
  const before = service.pid;
  service.restart();
  await until('the camera to be live again', () => heard.live.length === 3);
  expect(service.pid).not.toBe(before);
});

test('stopped: not live, no process, and silence', async () => {
  const { service, heard } = serviceWith([status({})]);
  service.start();
  await until('the camera to be live', () => heard.live.length === 1);
  await service.stop();
  expect(heard.live).toEqual([true, false]);
  expect(service.pid).toBeNull();
  expect(heard.health.map(({ state }) => state)).toEqual(['starting', 'ok']);
});
