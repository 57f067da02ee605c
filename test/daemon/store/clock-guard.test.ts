import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClockGuard } from '../../../src/daemon/store/clock-guard';
import { type ComponentHealth, HealthBoard } from '../../../src/daemon/health/health';
import { removeClockFloor } from '../../../src/store/clock/clock-floor';
import { createLog } from '../../../src/system/log';

const NOON = Date.UTC(2026, 5, 1, 12);
let dataDir: string;
let wall: number;
let monotonic: number;
let told: [string, ComponentHealth][];
let lines: string[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'usher-clock-'));
  wall = NOON;
  monotonic = 5000;
  told = [];
  lines = [];
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const guard = (): ClockGuard =>
  new ClockGuard({
    dataDir,
    health: new HealthBoard((component, health) => told.push([component, health])),
    log: createLog({ level: 'info', format: 'text', write: (line) => lines.push(line) }),
    wall: () => wall,
    monotonic: () => monotonic,
  });

const pass = (clock: ClockGuard, seconds: number): boolean => {
  let believed = clock.tick();
  for (let i = 0; i < seconds; i++) {
    wall += 1000;
    monotonic += 1000;
    believed = clock.tick();
  }
  return believed;
};

test('a steady clock is believed, said once, and remembered once it is sure', () => {
  const clock = guard();
  expect(pass(clock, 500)).toBe(true);
  expect(existsSync(join(dataDir, 'clock-floor'))).toBe(false);
  expect(pass(clock, 200)).toBe(true);
  expect(clock.wall()).toBe(wall);
  expect(clock.doubt()).toBeNull();
  expect(told.map(([component, { state }]) => `${component} ${state}`)).toEqual(['clock ok']);
  expect(Number(readFileSync(join(dataDir, 'clock-floor'), 'utf8'))).toBe(NOON + 660_000);
});

test('a jump soon after the start, as time servers cause it: believed again when steady', () => {
  const clock = guard();
  pass(clock, 50);
  wall -= 3_600_000;
  expect(clock.tick()).toBe(false);
  expect(clock.wall()).toBeNull();
  expect(clock.doubt()).toContain('jumped');
  expect(told.at(-1)).toMatchObject(['clock', { state: 'degraded', remedy: expect.any(String) as string }]);
  expect(pass(clock, 20)).toBe(true);
  expect(told.at(-1)).toMatchObject(['clock', { state: 'ok', detail: null, remedy: null }]);
  expect(lines.filter((line) => line.includes('no entry is granted'))).toHaveLength(1);
});

test('a clock that goes back behind a time it was sure of is not believed until a person or the clock says otherwise', () => {
  const clock = guard();
  pass(clock, 700);
  wall -= 3_600_000;
  expect(pass(clock, 60)).toBe(false);
  expect(told.at(-1)?.[1].remedy).toContain('usher clock accept');
  wall += 3_600_000;
  expect(clock.tick()).toBe(false);
  expect(pass(clock, 20)).toBe(true);
});

test('a box that wakes up in the past knows it', () => {
  pass(guard(), 700);
  const remembered = readFileSync(join(dataDir, 'clock-floor'), 'utf8');
  wall = Date.UTC(2026, 0, 1);
  monotonic = 10;
  const woken = guard();
  expect(woken.tick()).toBe(false);
  expect(woken.doubt()).toContain('2026-06-01');
  // Nothing is remembered of a time that is not believed.
  expect(readFileSync(join(dataDir, 'clock-floor'), 'utf8')).toBe(remembered);
});

test('a file that holds no time counts for nothing', () => {
  writeFileSync(join(dataDir, 'clock-floor'), 'tomorrow');
  expect(guard().tick()).toBe(true);
});

test('a time that was ahead is taken back by an operator while the daemon runs, and nothing else takes it back', () => {
  wall = Date.UTC(2038, 0, 19);
  const clock = guard();
  pass(clock, 700);
  wall = NOON;
  expect(pass(clock, 60)).toBe(false);
  expect(pass(guard(), 60)).toBe(false);
  removeClockFloor(dataDir);
  expect(pass(clock, 20)).toBe(true);
  expect(lines.filter((line) => line.includes('an operator has accepted the clock'))).toHaveLength(1);
  // The time of now is remembered in its place.
  pass(clock, 700);
  expect(Number(readFileSync(join(dataDir, 'clock-floor'), 'utf8'))).toBeGreaterThan(NOON);
  expect(Number(readFileSync(join(dataDir, 'clock-floor'), 'utf8'))).toBeLessThan(NOON + 3_600_000);
});
