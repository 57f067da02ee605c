import { HealthLog, labels } from '../../../src/daemon/health/health-log';
import type { ComponentHealth } from '../../../src/daemon/health/health';
import { createLog } from '../../../src/system/log';

const MINUTE = 60_000;
const health = (state: ComponentHealth['state'], detail: string | null = null): ComponentHealth => ({
  ...{ state, detail, lastProgressAt: null },
  remedy: detail === null ? null : 'look at the cable',
});

let lines: string[];
let log: HealthLog;
beforeEach(() => {
  lines = [];
  const write = (line: string): void => void lines.push(line.replace(/^\S+ /, '').trimEnd());
  const names = labels({ cameras: [{ id: 'front' }], microphones: [{ id: 'hall' }] });
  log = new HealthLog(createLog({ level: 'info', format: 'text', write }), names, 0);
});

test('what never worked is an error with cause and remedy, once, then at growing intervals and not with every retry', () => {
  for (let now = 2000; now <= 24 * 60 * MINUTE; now += 1000) {
    log.changed('front', health('failed', `refused, try ${now}`), now);
    log.tick(now);
  }
  const said = lines.filter((line) => line.startsWith('error usher: camera front: refused'));
  expect(said[0]).toBe('error usher: camera front: refused, try 2000 remedy=look at the cable');
  expect(said[1]).toMatch(/forS=60$/);
  // At once, after 1, 6 and 21 minutes, then every hour of the day.
  expect(said).toHaveLength(27);
});

test('the loss of what worked is a warning with its reason, and its end is said', () => {
  log.changed('front', health('ok'), 5000);
  log.changed('front', health('failed', 'no frame for 5 s'), 90_000);
  log.changed('front', health('ok'), 97_000);
  expect(lines).toEqual([
    'warn  usher: camera front: no frame for 5 s remedy=look at the cable',
    'info  usher: camera front: works again afterS=7',
  ]);
});

test('what comes and goes is not said each time; what was well for a minute is said again', () => {
  log.changed('hall', health('ok'), 0);
  for (let now = 1000; now < 50_000; now += 2000) {
    log.changed('hall', health('failed', 'unplugged'), now);
    log.changed('hall', health('ok'), now + 1000);
  }
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  log.changed('hall', health('failed', 'unplugged'), 50_000 + 2 * MINUTE);
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(2);
});

test('worse than what was said is said at once', () => {
  log.changed('models', health('degraded', 'the fallback runs'), 100);
  log.changed('models', health('failed', 'no model at all'), 200);
  expect(lines.map((line) => line.slice(0, 5))).toEqual(['warn ', 'error']);
});

test('a start that names why it does not get on has failed so far', () => {
  log.changed('broker', health('starting', 'nothing listens there'), 100);
  expect(lines).toEqual(['error usher: broker: nothing listens there remedy=look at the cable']);
});

test('after ten seconds the log says what the start waits for, and not once all is ready', () => {
  log.changed('front', health('starting'), 0);
  log.changed('hall', health('ok'), 0);
  log.tick(9000);
  expect(lines).toEqual([]);
  log.tick(10_000);
  expect(lines).toEqual(['warn  usher: not ready yet, waiting for camera front (starting) afterS=10']);
  log.tick(11_000);
  log.allReady();
  log.tick(10 * MINUTE);
  expect(lines).toHaveLength(1);
});
