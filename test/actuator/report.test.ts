import { Refusal } from '../../src/actuator/verifier/refusals';
import { ActuatorReport } from '../../src/actuator/report';
import { createLog } from '../../src/system/log';

let mono = 0;
const log = createLog({ level: 'error', format: 'text', write: () => undefined });
const report = (): ActuatorReport => {
  mono = 0;
  return new ActuatorReport(log, () => mono, 'gym/entrance');
};

test('a box that is never seen is named, and is forgiven when it comes', () => {
  const one = report();
  one.connection(true);
  mono = 29_000;
  expect(one.health(null).state).toBe('ok');
  mono = 31_000;
  expect(one.health(null)).toMatchObject({
    state: 'degraded',
    detail: 'no box gym/entrance has published on this broker',
    remedy: expect.stringContaining('device.id') as string,
  });
  one.box(true);
  expect(one.health(null)).toMatchObject({ state: 'ok', remedy: null });
  one.box(false);
  expect(one.health(null)).toMatchObject({ state: 'ok', detail: expect.stringContaining('is offline') as string });
});

test('time without a connection is not held against the box', () => {
  const one = report();
  one.connection(true);
  mono = 20_000;
  one.connection(false);
  mono = 50_000;
  one.connection(true);
  mono = 70_000;
  expect(one.health(null).state).toBe('ok');
});

test('unlocks of a key that is not trusted are named, where none was ever obeyed', () => {
  const one = report();
  one.connection(true);
  one.refusal(new Refusal('unknown-key', 'key 12'));
  expect(one.health(null)).toMatchObject({
    state: 'degraded',
    detail: '1 unlocks of gym/entrance were refused: signed by a key that is not trusted here',
    remedy: expect.stringContaining('usher actuator trust') as string,
  });
  // Of one that works, a stranger's noise is a count.
  one.opened({ decision: 'd', seq: 1, forMs: 1 });
  expect(one.health(null).state).toBe('ok');
});
