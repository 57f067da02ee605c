import { type ComponentHealth, failedBecause, HealthBoard, STARTING } from '../../../src/daemon/health/health';
import { UsherError } from '../../../src/errors';

const OK: ComponentHealth = { state: 'ok', lastProgressAt: 1, detail: null, remedy: null };

test('each change of condition is told once; progress alone is kept and not told', () => {
  const told: [string, ComponentHealth][] = [];
  const board = new HealthBoard((component, health) => told.push([component, health]));
  board.set('cam', OK);
  board.set('cam', { ...OK, lastProgressAt: 2 });
  board.set('cam', { ...OK, state: 'degraded', detail: 'slow' });
  board.set('cam', { ...OK, state: 'degraded', detail: 'slower' });
  board.set('cam', { ...OK, state: 'degraded', detail: 'slower', remedy: 'less' });
  board.set('store', OK);
  expect(told.map(([component, { state, detail, remedy }]) => [component, state, detail, remedy])).toEqual([
    ['cam', 'ok', null, null],
    ['cam', 'degraded', 'slow', null],
    ['cam', 'degraded', 'slower', null],
    ['cam', 'degraded', 'slower', 'less'],
    ['store', 'ok', null, null],
  ]);
  expect([...board.entries()].map(([component]) => component)).toEqual(['cam', 'store']);
});

test('the latest progress can be asked for; who was never heard of is starting', () => {
  const board = new HealthBoard(() => undefined);
  board.set('cam', OK);
  board.set('cam', { ...OK, lastProgressAt: 2 });
  expect(board.get('cam').lastProgressAt).toBe(2);
  expect(board.get('nobody')).toEqual(STARTING);
});

test.each([
  [new UsherError('camera-failed', 'unplugged', { remedy: 'plug it in' }), 'unplugged', 'plug it in'],
  [new UsherError('camera-failed', 'unplugged'), 'unplugged', null],
  [new TypeError('a defect'), 'a defect', null],
  ['a string', 'a string', null],
])('a failure keeps what was said of it: %p', (thrown, detail, remedy) => {
  expect(failedBecause(thrown, 5)).toEqual({ state: 'failed', lastProgressAt: 5, detail, remedy });
});
