import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelChild } from '../../../src/daemon/children/model-child';
import type { ComponentHealth } from '../../../src/daemon/health/health';
import { createLog } from '../../../src/system/log';

interface Job {
  readonly model: string;
}
interface Report {
  readonly kind: 'runs';
  readonly model: string;
}

/** Reports the model of its job, and answers an order to adopt another one: refuses the model `bad`, ends at the model `fatal`. */
const SCRIPTED = `
process.on('message', (message) => {
  if (message.kind !== 'adopt') {
    process.send({ kind: 'runs', model: message.model });
    return;
  }
  const { number, model } = message;
  if (model === 'fatal') process.exit(7);
  process.send({ kind: 'adoption', order: number, failure: model === 'bad' ? 'the digest is wrong' : null });
});
process.on('disconnect', () => process.exit(0));
`;
const dir = mkdtempSync(join(tmpdir(), 'usher-model-child-'));
const entry = join(dir, 'scripted.js');
writeFileSync(entry, SCRIPTED);

const reports: string[] = [];
const health: ComponentHealth[] = [];
const states: [string, string | null][] = [];
let child: ModelChild<Job, Report>;

beforeEach(async () => {
  for (const list of [reports, health, states]) list.length = 0;
  child = new ModelChild<Job, Report>({
    name: 'hall',
    title: 'the test process',
    entry,
    job: { model: 'first' },
    startMs: 60_000,
    health: (state) => health.push(state),
    receive: ({ model }) => reports.push(model),
    changed: (state, cause) => states.push([state, cause]),
    log: createLog({ level: 'error', format: 'text', write: () => undefined }, 'hall'),
  });
  child.start();
  await reported(1);
});
afterEach(() => child.stop());
afterAll(() => rmSync(dir, { recursive: true }));

async function reported(count: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (reports.length < count) {
    if (performance.now() > deadline) throw new Error(`the child has reported ${reports.length} times`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const adopt = (model: string): Promise<void> => child.adopt({ model }, (number) => ({ kind: 'adopt', number, model }));
const crash = async (): Promise<void> => {
  process.kill(child.pid ?? 0, 'SIGKILL');
  await reported(reports.length + 1);
};

test('adopted models are those of the next process too', async () => {
  await adopt('second');
  expect(child.currentJob).toEqual({ model: 'second' });
  await crash();
  expect(reports).toEqual(['first', 'second']);
});

test('refused models: the reason with the name of the child, and the next process has the models before', async () => {
  await expect(adopt('bad')).rejects.toMatchObject({ code: 'model-invalid', message: 'hall: the digest is wrong' });
  expect(child.currentJob).toEqual({ model: 'first' });
  await crash();
  expect(reports).toEqual(['first', 'first']);
});

test('a process that ends over the adoption refuses it, and its end is a failure', async () => {
  child.lastProgressAt = 99;
  await expect(adopt('fatal')).rejects.toMatchObject({
    message: 'hall: the process ended while it changed models',
  });
  const detail = 'the test process ended (exit code 7)';
  expect(health).toEqual([
    { state: 'starting', lastProgressAt: null, detail: null, remedy: null },
    { state: 'failed', lastProgressAt: 99, detail, remedy: null },
  ]);
  expect(states.slice(0, 3)).toEqual([
    ['stopped', null],
    ['running', null],
    ['waiting', detail],
  ]);
  await reported(2);
  expect(reports).toEqual(['first', 'first']);
});

test('without a process the models are adopted by the next one', async () => {
  await child.stop();
  await adopt('second');
  child.start();
  await reported(2);
  expect(reports).toEqual(['first', 'second']);
});

test('the watchdog waits for as long as models load, then for the given time, and not at all after the end', async () => {
  const waits = (ended: boolean): number => child.progress(1000, ended).patienceMs;
  const live = waits(false);
  expect(waits(true)).toBe(Infinity);
  await child.stop();
  child.start();
  expect(waits(false) - live).toBe(60_000 - 1000);
});
