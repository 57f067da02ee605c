import type { DoorKeeper, DoorPhase } from '../../../src/access/door/door-keeper';
import {
  brokerHealth,
  modelsHealth,
  PhasePublisher,
  publishHealth,
  publishModels,
} from '../../../src/daemon/health/publishing';
import { UsherError } from '../../../src/errors';
import type { MqttClient } from '../../../src/mqtt/client/client';
import { DoorStatePayload, HealthPayload, ModelStatePayload } from '../../../src/mqtt/topics/payloads';

/** What was published, in order. */
function listener() {
  const said: { key: string; params: object; payload: unknown }[] = [];
  const mqtt: Pick<MqttClient, 'publish'> = {
    publish: (key, params, payload) => {
      said.push({ key, params, payload });
      return 'sent';
    },
  };
  return { said, mqtt };
}

describe('health', () => {
  const publish = (change: object): HealthPayload => {
    const { said, mqtt } = listener();
    publishHealth(mqtt, 'front-cam', { state: 'ok', lastProgressAt: null, detail: null, remedy: null, ...change });
    expect(said).toMatchObject([{ key: 'health', params: { component: 'front-cam' } }]);
    return HealthPayload.parse(said[0]!.payload);
  };

  test('the age of the last progress, none where there was none, and never below zero after a jump of the clock', () => {
    expect(publish({}).progressAgeMs).toBeNull();
    const { at, lastProgressAt, progressAgeMs } = publish({ lastProgressAt: Date.now() - 5000 });
    expect(progressAgeMs).toBe(at - lastProgressAt!);
    expect(publish({ lastProgressAt: Date.now() + 60_000 }).progressAgeMs).toBe(0);
  });

  test('what a program complains of at length still fits the payload', () => {
    const { detail, remedy } = publish({ state: 'failed', detail: 'x'.repeat(5000), remedy: 'y'.repeat(5000) });
    expect([detail?.length, remedy?.length]).toEqual([1024, 1024]);
  });
});

test('what really runs behind a camera', () => {
  const { said, mqtt } = listener();
  const running = {
    ...{ task: 'face-encoding', name: 'mbf', version: '1.0.0', sha256: 'a'.repeat(64) },
    ...{ providersAsked: ['tensorrt', 'cpu'], provider: 'cpu' },
  };
  publishModels(mqtt, { kind: 'ready', camera: 'cam', at: 5, space: 'mbf-1', models: [running] });
  expect(said).toMatchObject([{ key: 'modelState', params: { camera: 'cam' } }]);
  expect(ModelStatePayload.parse(said[0]!.payload)).toEqual({
    v: 1,
    camera: 'cam',
    at: 5,
    space: 'mbf-1',
    models: [running],
  });
});

test('a door’s phase goes out when it changes, each door by itself', () => {
  const { said, mqtt } = listener();
  const phases: Record<string, DoorPhase> = { front: 'closed', back: 'closed' };
  const doors = Object.keys(phases).map((id) => ({ door: { id }, phase: () => phases[id] }) as unknown as DoorKeeper);
  const publisher = new PhasePublisher(mqtt, doors, () => 0);
  publisher.publishChanges();
  publisher.publishChanges();
  phases['back'] = 'awaiting-face';
  publisher.publishChanges();
  phases['back'] = 'closed';
  publisher.publishChanges();
  expect(
    said.map(({ payload }) => DoorStatePayload.parse(payload)).map(({ door, state }) => `${door} ${state}`),
  ).toEqual(['front closed', 'back closed', 'back awaiting-face', 'back closed']);
});

test('whether a door stands open is said beside what the box waits for, once its contact has spoken', () => {
  const { said, mqtt } = listener();
  let open: boolean | undefined;
  const doors = [{ door: { id: 'front' }, phase: () => 'closed' }] as unknown as DoorKeeper[];
  const publisher = new PhasePublisher(
    mqtt,
    doors,
    () => 0,
    () => open,
  );
  for (open of [undefined, undefined, false, true, true]) publisher.publishChanges();
  expect(said.map(({ payload }) => DoorStatePayload.parse(payload))).toMatchObject([
    { state: 'closed' },
    { state: 'closed', open: false },
    { state: 'closed', open: true },
  ]);
  expect(said[0]?.payload).not.toHaveProperty('open');
});

test('the fallback models are no secret', () => {
  expect(modelsHealth('recommended')).toMatchObject({ state: 'ok', detail: null });
  const fallback = modelsHealth('fallback');
  expect(fallback.state).toBe('degraded');
  expect(fallback.detail).toMatch(/miss 38 %/);
  expect(fallback.remedy).toMatch(/usher models pull/);
});

const problem = new UsherError('broker-failed', 'nothing listens there', { remedy: 'start it' });
test.each([
  ['connected', null, 'ok', true],
  ['connected', problem, 'degraded', true],
  ['connecting', null, 'starting', false],
  ['connecting', problem, 'starting', false],
  ['failed', problem, 'failed', false],
  ['stopped', null, 'starting', false],
] as const)('a link that is %s (problem: %p) is %s', (state, its, health, progress) => {
  const said = brokerHealth({ state, problem: its });
  expect(said.state).toBe(health);
  expect(said.lastProgressAt !== null).toBe(progress);
  expect([said.detail, said.remedy]).toEqual(its === null ? [null, null] : ['nothing listens there', 'start it']);
});
