import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Attached } from '../../src/readers/attached';
import { EvdevReader } from '../../src/readers/evdev';
import { GpioContact } from '../../src/readers/gpio-contact';
import { CommandReader, SerialReader, StreamReader } from '../../src/readers/line-readers';
import type { AttachedSource } from '../../src/readers/source';
import { until } from '../support/until';
import { childrenRunning } from '../support/processes';
import { typing } from './recorded-keys';

let dir: string;
const stopping: (() => void)[] = [];

beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'usher-reader-'))));
afterEach(async () => {
  for (const stop of stopping.splice(0)) stop();
  await until('no program to be left', () => childrenRunning('cat').length + childrenRunning('sleep').length === 0);
  rmSync(dir, { recursive: true, force: true });
});

/** Keeps a source open and writes down what it says and what is wrong with it. */
class Listener<T> {
  readonly said: T[] = [];
  readonly troubles: (string | null)[] = [];
  private readonly attached: Attached<T>;

  constructor(source: AttachedSource<T>) {
    this.attached = new Attached(
      source,
      {
        onRead: (said) => this.said.push(said),
        condition: (trouble) =>
          this.troubles.push(trouble === null ? null : `${trouble.detail} → ${trouble.remedy ?? ''}`),
      },
      { firstMs: 20, maxMs: 100 },
    );
    this.attached.start();
    stopping.push(() => this.stop());
  }

  get listening(): boolean {
    return this.troubles.at(-1) === null && this.troubles.length > 0;
  }

  stop(): void {
    this.attached.stop();
  }
}

/** A program of the test's own, under the name of one that is not here. */
function fakeProgram(name: string, script: string): string {
  const file = join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('a keyboard-wedge reader, faked by a FIFO that holds recorded events', () => {
  const openFifo = (): { fifo: string } => {
    const fifo = join(dir, 'event0');
    if (spawnSync('mkfifo', [fifo]).status !== 0) throw new Error('mkfifo failed');
    return { fifo };
  };

  test('is read, and read again after it was unplugged', async () => {
    const { fifo } = openFifo();
    const reader = new Listener(new EvdevReader({ device: fifo, grab: false, keyGapMs: 300 }));
    let keyboard = openSync(fifo, 'r+');
    writeSync(keyboard, typing('0012345678\n04:a2\n'));
    await until('two cards', () => reader.said.length === 2);
    expect(reader.said).toEqual([{ identifier: '0012345678' }, { identifier: '04:a2' }]);
    writeSync(keyboard, typing('99'));
    closeSync(keyboard);
    await until('the loss', () => reader.troubles.some((trouble) => trouble?.includes('ended') === true));
    keyboard = openSync(fifo, 'r+');
    writeSync(keyboard, typing('4711\n'));
    await until('the third card', () => reader.said.length === 3);
    // What was half typed when it went away is not finished by the next card.
    expect(reader.said[2]).toEqual({ identifier: '4711' });
    closeSync(keyboard);
  });

  test('one that is not there is asked for again and again, and found', async () => {
    const device = join(dir, 'event7');
    const reader = new Listener(new EvdevReader({ device, grab: false, keyGapMs: 300 }));
    await until('complaints', () => reader.troubles.filter((trouble) => trouble !== null).length >= 2);
    expect(reader.troubles.find((trouble) => trouble !== null)).toMatch(/event7.*No such file.*group "input"/);
    writeFileSync(device, typing('4711\n'));
    await until('the card', () => reader.said.length > 0);
  });

  test('stopping ends the program and nothing more is said', async () => {
    const { fifo } = openFifo();
    const reader = new Listener(new EvdevReader({ device: fifo, grab: false, keyGapMs: 300 }));
    const keyboard = openSync(fifo, 'r+');
    await until('cat', () => childrenRunning('cat').length === 1);
    reader.stop();
    await until('no cat', () => childrenRunning('cat').length === 0);
    closeSync(keyboard);
    expect(reader.said).toEqual([]);
  });
});

/** A pseudo terminal, by `script` of Debian's essential bsdutils: what is written to its input comes in at the serial port. */
class SerialCable {
  device = '';

  private constructor(private readonly script: ChildProcess) {}

  static async lay(): Promise<SerialCable> {
    const cable = new SerialCable(
      spawn('script', ['-q', '-c', 'tty; exec sleep 1000', '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] }),
    );
    let said = '';
    cable.script.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until('the terminal', () => /\/dev\/pts\/\d+\r?\n/.test(said));
    cable.device = /\/dev\/pts\/\d+/.exec(said)?.[0] ?? '';
    return cable;
  }

  send(text: string): void {
    this.script.stdin?.write(text);
  }

  async cut(): Promise<void> {
    const gone = new Promise((resolve) => this.script.once('close', resolve));
    this.script.kill('SIGKILL');
    await gone;
  }
}

describe('a reader on a serial port', () => {
  test('lines come in, whatever their ends; without the port it says so and tries again', async () => {
    const cable = await SerialCable.lay();
    const mac = '0f'.repeat(32);
    const reader = new Listener(new SerialReader({ device: cable.device, baud: 115_200 }));
    await until('the port', () => reader.listening);
    // `cat` opens the port some time after it was started; before that, the terminal's own echo takes what is sent.
    const knock = setInterval(() => cable.send('knock\r\n'), 50);
    await until('the first line', () => reader.said.length > 0);
    clearInterval(knock);
    cable.send('begin\n');
    await until('the beginning', () => JSON.stringify(reader.said.at(-1)) === '{"identifier":"begin"}');
    reader.said.length = 0;
    cable.send(`\x0204A211B07712\r\n\x03SWIPE 4711 9 ${mac}\n\x00\xff??\n`);
    await until('all', () => reader.said.length === 3);
    expect(reader.said).toEqual([
      { identifier: '04A211B07712' },
      { identifier: '4711', counter: 9, mac },
      { fault: expect.stringContaining('not an identifier') as string },
    ]);
    await cable.cut();
    await until('the loss', () => reader.troubles.some((trouble) => trouble?.includes(cable.device) === true));
    await until('a new attempt', () => reader.troubles.some((trouble) => trouble?.includes('stty') === true));
  });
});

describe('a reader by its own program', () => {
  test('one line a card; when it ends it is started again', async () => {
    const count = join(dir, 'count');
    const program = fakeProgram('vendor-tool', `echo x >> ${count}; wc -l < ${count}; exec sleep 0.05`);
    const reader = new Listener(new CommandReader([program]));
    await until('three runs', () => reader.said.length >= 3);
    expect(reader.said.slice(0, 3)).toEqual([{ identifier: '1' }, { identifier: '2' }, { identifier: '3' }]);
    expect(reader.troubles).toContainEqual(expect.stringContaining('ended with code 0'));
  });

  test('arguments are arguments: no shell reads them, and no secret of ours is in its environment', async () => {
    process.env['USHER_TEST_SECRET'] = 'secret';
    const program = fakeProgram('vendor-tool', 'echo "n$#"; echo "e${USHER_TEST_SECRET-none}"; exec sleep 1000');
    const reader = new Listener(new CommandReader([program, '$(touch /tmp/usher-shell)', ';', '|']));
    await until('its lines', () => reader.said.length === 2);
    delete process.env['USHER_TEST_SECRET'];
    expect(reader.said).toEqual([{ identifier: 'n3' }, { identifier: 'enone' }]);
    expect(existsSync('/tmp/usher-shell')).toBe(false);
  });

  test('one that is not installed is named', async () => {
    const reader = new Listener(new CommandReader(['usher-no-such-program']));
    await until('the complaint', () => reader.troubles.length > 0);
    expect(reader.troubles[0]).toMatch(/usher-no-such-program is not installed/);
  });

  test('a program that floods without a line leaves memory bounded', async () => {
    const program = fakeProgram(
      'vendor-tool',
      'head -c 20000000 /dev/zero | tr "\\0" A; echo; echo 4711; exec sleep 1000',
    );
    const reader = new Listener(new CommandReader([program]));
    await until('the card after the flood', () => reader.said.length === 2);
    expect(reader.said).toEqual([{ fault: expect.stringContaining('256') as string }, { identifier: '4711' }]);
  });

  test('standard input: lines until it ends, and its end is told', async () => {
    const stdin = new PassThrough();
    const reader = new Listener(new StreamReader('standard input', stdin));
    stdin.write('47');
    stdin.write('11\n4712\n');
    await until('two cards', () => reader.said.length === 2);
    stdin.end();
    await until('the end', () => !reader.listening);
    expect(reader.troubles.at(-1)).toMatch(/standard input: its input ended/);
  });
});

describe('a door contact on a GPIO line, libgpiod faked by scripts that speak as it does', () => {
  const make = (version: 1 | 2, openWhen: 'high' | 'low', levelAtStart: 0 | 1) => {
    const edges = join(dir, 'edges');
    if (spawnSync('mkfifo', [edges]).status !== 0) throw new Error('mkfifo failed');
    const asked = join(dir, 'asked');
    const gpiomon = fakeProgram(
      'gpiomon',
      `[ "$1" = --version ] && { echo "gpiomon (libgpiod) v${version}.6.3"; exit; }; echo "$@" > ${asked}; exec cat ${edges}`,
    );
    const gpioget = fakeProgram('gpioget', `echo "$@" >> ${asked}.get; echo ${levelAtStart}`);
    const config = { type: 'gpio', chip: 'gpiochip0', line: 17, bias: 'pull-up', openWhen, debounceMs: 30 } as const;
    return { contact: new Listener(new GpioContact(config, { gpiomon, gpioget })), edges, asked };
  };

  test('libgpiod 1: its level at the start, then every change, chatter left out', async () => {
    const { contact, edges, asked } = make(1, 'high', 0);
    const line = openSync(edges, 'r+');
    await until('the level', () => contact.said.length === 1);
    writeSync(line, '1\n0\n1\n0\n1\n');
    await until('open', () => contact.said.length === 2);
    writeSync(line, '0\n');
    await until('closed', () => contact.said.length === 3);
    expect(contact.said).toEqual([{ open: false }, { open: true }, { open: false }]);
    expect(spawnSync('cat', [asked]).stdout.toString()).toBe(
      '--line-buffered --bias=pull-up --format=%e gpiochip0 17\n',
    );
    closeSync(line);
  });

  test('libgpiod 2: other words for the same, and a contact that closes the circuit when open', async () => {
    const { contact, edges, asked } = make(2, 'low', 1);
    const line = openSync(edges, 'r+');
    await until('the level', () => contact.said.length === 1);
    writeSync(line, 'falling\n');
    await until('open', () => contact.said.length === 2);
    expect(contact.said).toEqual([{ open: false }, { open: true }]);
    expect(spawnSync('cat', [asked]).stdout.toString()).toBe(
      '--edges both --bias pull-up --format %E --chip gpiochip0 17\n',
    );
    expect(spawnSync('cat', [`${asked}.get`]).stdout.toString()).toBe('--bias pull-up --numeric --chip gpiochip0 17\n');
    closeSync(line);
  });
});

describe('a grabbed reader, evtest faked by a script that prints what it printed', () => {
  test('is listening once evtest tests, types by its lines, and says when another program has it', async () => {
    const lines = [
      'Input driver version is 1.0.1',
      '    Event code 30 (KEY_A)',
      'Testing ... (interrupt to exit)',
      'Event: time 1586524983.094859, type 1 (EV_KEY), code 5 (KEY_4), value 1',
      'Event: time 1586524983.095859, type 1 (EV_KEY), code 5 (KEY_4), value 0',
      'Event: time 1586524983.096859, type 1 (EV_KEY), code 28 (KEY_ENTER), value 1',
    ];
    const transcript = join(dir, 'transcript');
    writeFileSync(transcript, `${lines.join('\n')}\n`);
    const evtest = fakeProgram('evtest', `[ "$1" = --grab ] && cat ${transcript}; exec sleep 1000`);
    const reader = new Listener(new EvdevReader({ device: '/dev/input/event0', grab: true, keyGapMs: 300, evtest }));
    await until('the card', () => reader.said.length === 1);
    expect(reader.said).toEqual([{ identifier: '4' }]);
    expect(reader.troubles).toEqual([null]);
    reader.stop();
    writeFileSync(transcript, 'Testing ... (interrupt to exit)\n***\n  This device is grabbed by another process.\n');
    const second = new Listener(new EvdevReader({ device: '/dev/input/event0', grab: true, keyGapMs: 300, evtest }));
    await until('the complaint', () => second.troubles.some((trouble) => trouble !== null));
    expect(second.troubles.find((trouble) => trouble !== null)).toMatch(/another program.*fuser/);
  });
});
