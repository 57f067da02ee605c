import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';

const ANALYZE = 'systemd-analyze';
/** Exposure of a unit file came with systemd 250. */
const version = Number(/^systemd (\d+)/.exec(spawnSync(ANALYZE, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 0);
const describeWithAnalyze = version >= 250 ? describe : describe.skip;

const UNITS = ['usher.service', 'usher-actuator.service'];
const fileOf = (unit: string): string => path.join(packageRoot(), 'systemd', unit);

/** `Key=value` lines by key, in order; a value may come more than once. */
function settingsOf(unit: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of readFileSync(fileOf(unit), 'utf8').split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined) settings.set(key, [...(settings.get(key) ?? []), value ?? '']);
  }
  return settings;
}

describeWithAnalyze('exposure, as systemd-analyze reckons it', () => {
  it.each(UNITS)('of %s is at most 2.0', (unit) => {
    const { stdout, status } = spawnSync(ANALYZE, ['security', '--offline=yes', '--no-pager', fileOf(unit)], {
      encoding: 'utf8',
    });
    const [, exposure] = /Overall exposure level for \S+: (\d+\.\d)/.exec(stdout) ?? [];
    expect(status).toBe(0);
    expect(Number(exposure)).toBeLessThanOrEqual(2);
  });
});

describe.each(UNITS)('%s', (unit) => {
  const settings = settingsOf(unit);
  const one = (key: string): string | undefined => settings.get(key)?.at(-1);

  it('is never left dead', () => {
    expect(one('StartLimitIntervalSec')).toBe('0');
    expect(one('Restart')).toBe('always');
    expect(Number(one('RestartSec'))).toBeGreaterThan(0);
  });

  it('leaves the daemon its own deadline of 8 s before it is killed', () => {
    expect(Number(one('TimeoutStopSec'))).toBeGreaterThan(8);
  });

  it('does not forbid what V8 lives on', () => {
    expect(settings.has('MemoryDenyWriteExecute')).toBe(false);
  });

  it('knows nothing newer than systemd 249', () => {
    const newer = ['LoadCredentialEncrypted', 'SetCredentialEncrypted', 'ImportCredential', 'RestrictFileSystems'];
    newer.push('OpenFile', 'RestartSteps', 'RestartMaxDelaySec', 'MemoryZSwapMax', 'PrivatePIDs', 'StartupAllowedCPUs');
    expect(newer.filter((key) => settings.has(key))).toEqual([]);
  });

  it('holds no capability and no privilege', () => {
    for (const key of ['CapabilityBoundingSet', 'AmbientCapabilities']) expect(settings.get(key)).toEqual(['']);
    expect(one('NoNewPrivileges')).toBe('yes');
    expect(one('User')).toMatch(/^usher/);
    expect(one('UMask')).toBe('0077');
  });
});

describe('devices', () => {
  it('of the actuator are the lines of its relay alone', () => {
    expect(settingsOf('usher-actuator.service').get('DeviceAllow')).toEqual(['char-gpiochip rw']);
  });

  it.each(UNITS)('of %s are none but those listed', (unit) => {
    expect(settingsOf(unit).get('DevicePolicy')).toEqual(['closed']);
  });
});

describe('the watchdog', () => {
  it('is fed by messages of another process, which the unit must hear', () => {
    const settings = settingsOf('usher.service');
    expect(settings.get('Type')).toEqual(['notify']);
    expect(settings.get('NotifyAccess')).toEqual(['all']);
    expect(Number(settings.get('WatchdogSec')?.[0])).toBeGreaterThanOrEqual(30);
  });
});
