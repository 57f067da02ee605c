import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSwitch } from '../../../src/actuator/switch/create';
import { activeArgv, inactiveArgv, versionOf } from '../../../src/actuator/switch/gpio';
import { tasmotaPulseTime } from '../../../src/actuator/switch/mqtt-switch';
import { PulsedRelay } from '../../../src/actuator/switch/relay';
import { RelayConfig } from '../../../src/actuator/config/schema';
import { until } from '../../support/until';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-relay-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const script = (name: string, body: string): string => {
  const file = path.join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
};
const logged = (): string[] =>
  existsSync(path.join(dir, 'log')) ? readFileSync(path.join(dir, 'log'), 'utf8').trim().split('\n') : [];
const noMqtt = () => Promise.reject(new Error('no broker'));
const make = (config: object) => createSwitch(RelayConfig.parse(config), noMqtt);

describe('a command', () => {
  test('is run with its arguments as they are, without a shell', async () => {
    const file = script('relay', `echo "$#:$1:$2" >> ${dir}/log`);
    const lock = make({ type: 'command', on: [file, 'on; rm -rf /', '$(id)'], off: [file, 'off'] });
    await lock.on(1000);
    await lock.off();
    expect(logged()).toEqual(['2:on; rm -rf /:$(id)', '1:off:']);
  });

  test('that fails, hangs or is missing is an error that names it', async () => {
    const failing = script('failing', 'echo no relay here >&2; exit 3');
    const hanging = script('hanging', 'exec sleep 60');
    const lock = make({ type: 'command', on: [failing], off: [hanging], timeoutMs: 200 });
    await expect(lock.on(1000)).rejects.toThrow(`${failing}: no relay here`);
    await expect(lock.off()).rejects.toThrow('still running after 200 ms');
    await expect(make({ type: 'command', on: ['/no/such'], off: ['/x'] }).on(1)).rejects.toThrow('/no/such: ');
  });

  test('must be named by its whole path', () => {
    expect(RelayConfig.safeParse({ type: 'command', on: ['relay'], off: ['/x'] }).success).toBe(false);
    expect(RelayConfig.safeParse({ type: 'command', on: [], off: ['/x'] }).success).toBe(false);
  });
});

/**
 * Stands for libgpiod's gpioset, which needs a GPIO chip: writes down its arguments, holds until its time is over or it is killed.
 * A line that is held already is refused, as the kernel does (EBUSY).
 */
const fakeGpioset = (version: string): string =>
  script(
    'gpioset',
    [
      `if [ "$1" = --version ]; then echo "gpioset (libgpiod) v${version}"; exit 0; fi`,
      `echo "$*" >> ${dir}/log`,
      // The trap first: a signal may come as soon as the line is held.
      `trap 'rmdir ${dir}/line; exit 0' TERM INT`,
      `if ! mkdir ${dir}/line 2>/dev/null; then echo "gpioset: unable to request lines: Device or resource busy" >&2; exit 1; fi`,
      'case "$*" in *=1) sleep 30 & wait $!;; *) sleep 0.02;; esac',
      `rmdir ${dir}/line`,
    ].join('\n'),
  );

describe('a GPIO line (fake gpioset)', () => {
  const holds = () => until('the line to be held', () => existsSync(path.join(dir, 'line')));

  test.each([
    ['1.6.3', '--mode=time --sec=5 --usec=500000 gpiochip0 17=1', '--mode=time --usec=20000 gpiochip0 17=0'],
    [
      '2.1.3',
      '--consumer usher --toggle 5500ms,0 --chip gpiochip0 17=1',
      '--consumer usher --hold-period 20ms --toggle 0 --chip gpiochip0 17=0',
    ],
  ])('libgpiod %s: held for the pulse, then driven inactive', async (version, active, inactive) => {
    const hardware = make({ type: 'gpio', line: 17, gpioset: fakeGpioset(version) });
    const started = performance.now();
    const relay = new PulsedRelay(hardware, {
      maxOpenMs: 5500,
      monotonic: () => performance.now() - started,
      trouble: (message) => {
        throw new Error(message ?? 'well again');
      },
    });
    await relay.secure();
    await relay.pulse(200);
    await relay.pulse(100);
    expect(logged()).toEqual([inactive, active, inactive, active, inactive]);
    expect(existsSync(path.join(dir, 'line'))).toBe(false);
  });

  test('a line that another program holds is an error, and nothing is left running', async () => {
    const hardware = make({ type: 'gpio', line: 17, gpioset: fakeGpioset('2.0') });
    await hardware.on(1000);
    await holds();
    const other = make({ type: 'gpio', line: 17, gpioset: path.join(dir, 'gpioset') });
    await expect(other.off()).rejects.toThrow('Device or resource busy');
    await hardware.off();
    await other.off();
  });

  test('that is open already is left as it is, and can be opened again after it was shut', async () => {
    const hardware = make({ type: 'gpio', line: 17, gpioset: fakeGpioset('2.0') });
    const active = '--consumer usher --toggle 1000ms,0 --chip gpiochip0 17=1';
    await hardware.on(1000);
    await holds();
    await hardware.on(1000);
    await hardware.off();
    expect(logged()).toHaveLength(2);
    await hardware.on(1000);
    await holds();
    await hardware.off();
    expect(logged().filter((line) => line === active)).toHaveLength(2);
  });

  test('whose gpioset does not say its version is not driven, and is asked again the next time', async () => {
    const hardware = make({ type: 'gpio', line: 17, gpioset: script('gpioset', `echo "$*" >> ${dir}/log; exit 3`) });
    await expect(hardware.off()).rejects.toThrow('gpioset: ');
    expect(logged()).toEqual(['--version']);
    fakeGpioset('2.0');
    await hardware.off();
    expect(logged()).toHaveLength(2);
  });

  test('without gpioset, or with one of an unknown make', async () => {
    await expect(make({ type: 'gpio', line: 1, gpioset: '/no/gpioset' }).off()).rejects.toThrow('/no/gpioset: ');
    expect(() => versionOf('gpioset v3.0')).toThrow('neither');
    expect(() => versionOf('')).toThrow('neither');
    expect([versionOf('gpioset (libgpiod) v1.4.1'), versionOf('gpioset (libgpiod) v2.2.1')]).toEqual([1, 2]);
  });

  test('a relay that opens on a low level', () => {
    const options = { chip: 'gpiochip4', line: 2, activeLow: true, gpioset: 'gpioset' };
    for (const version of [1, 2] as const) {
      expect(activeArgv(options, version, 1000)).toContain('--active-low');
      expect(inactiveArgv(options, version)).toContain('--active-low');
    }
  });
});

describe('a relay on MQTT', () => {
  const said = async (config: object): Promise<string[]> => {
    const sent: string[] = [];
    const relay = createSwitch(RelayConfig.parse(config), ({ topic, payload }, qos) => {
      sent.push(`${qos} ${topic} ${payload}`);
      return Promise.resolve();
    });
    await relay.on(10_000);
    await relay.off();
    return sent;
  };

  test('is asked to shut by itself no earlier than after the pulse', async () => {
    const sent: string[] = [];
    const relay = createSwitch(
      RelayConfig.parse({ type: 'zigbee2mqtt', topic: 'zigbee2mqtt/front', state: 'state' }),
      ({ payload }) => Promise.resolve(void sent.push(payload)),
    );
    await relay.on(10_001);
    expect(sent).toEqual(['{"state":"ON","on_time":11}']);
    expect([100, 101, 11_100, 11_101, 12_000, 12_001].map(tasmotaPulseTime)).toEqual([1, 2, 111, 112, 112, 113]);
  });

  test.each<[object, string[]]>([
    [
      { type: 'tasmota', topic: 'front', relay: 2 },
      ['0 cmnd/front/PulseTime2 100', '0 cmnd/front/POWER2 ON', '1 cmnd/front/POWER2 OFF'],
    ],
    [
      { type: 'shelly', topic: 'shellyplus1-a8' },
      [
        '0 shellyplus1-a8/rpc {"id":1,"src":"usher","method":"Switch.Set","params":{"id":0,"on":true,"toggle_after":10}}',
        '1 shellyplus1-a8/rpc {"id":1,"src":"usher","method":"Switch.Set","params":{"id":0,"on":false}}',
      ],
    ],
    [
      { type: 'zigbee2mqtt', topic: 'zigbee2mqtt/front', state: 'state_l1' },
      ['0 zigbee2mqtt/front/set {"state_l1":"ON","on_time":10}', '1 zigbee2mqtt/front/set {"state_l1":"OFF"}'],
    ],
    [{ type: 'home-assistant-lock', topic: 'home/lock/set' }, ['0 home/lock/set UNLOCK', '1 home/lock/set LOCK']],
  ])('%j', async (config, expected) => {
    expect(await said(config)).toEqual(expected);
  });

  test('Tasmota’s pulse time: tenths of a second up to 11.1 s, then seconds plus 100', () => {
    expect([50, 100, 3000, 11_100, 12_000, 60_000].map(tasmotaPulseTime)).toEqual([1, 1, 30, 111, 112, 160]);
  });

  test('a topic that is a filter is refused', () => {
    for (const topic of ['#', 'a/+/b', '', 'a\u0000'])
      expect(RelayConfig.safeParse({ type: 'home-assistant-lock', topic }).success).toBe(false);
  });
});
