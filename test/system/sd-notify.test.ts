import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { feedWatchdog, type Progress, stalledParts } from '../../src/system/health-watchdog';
import { type Notifier, type ServiceManager, serviceManager } from '../../src/system/sd-notify';

const unexpected = (why: string): void => {
  throw new Error(why);
};

function recorded(): { said: string[]; notifier: Notifier } {
  const said: string[] = [];
  return { said, notifier: (args) => Promise.resolve(void said.push(args.join(' '))) };
}

describe('the service manager', () => {
  it('hears nothing where there is none', async () => {
    const { said, notifier } = recorded();
    for (const NOTIFY_SOCKET of [undefined, '', 'relative/path', '@']) {
      const manager = serviceManager({ NOTIFY_SOCKET, WATCHDOG_USEC: '1000000' }, 1, unexpected, notifier);
      await Promise.all([manager.ready(), manager.watchdog(), manager.status('x'), manager.stopping()]);
      expect(manager.watchdogMs).toBeNull();
    }
    expect(said).toEqual([]);
  });

  it('hears each message in the order it was sent, however long the one before takes', async () => {
    const said: string[] = [];
    let wait = 30;
    const slower: Notifier = async (args) => {
      await new Promise((resolve) => setTimeout(resolve, (wait -= 10)));
      said.push(args.join(' '));
    };
    const manager = serviceManager({ NOTIFY_SOCKET: '/run/notify' }, 1, unexpected, slower);
    void manager.ready();
    void manager.status('one\nREADY=1 line');
    await manager.stopping();
    expect(said).toEqual(['--ready', 'STATUS=one READY=1 line', 'STOPPING=1']);
  });

  it('keeps its socket from the children of this process', () => {
    const environment = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '1', WATCHDOG_PID: '1', PATH: '/bin' };
    serviceManager(environment, 1, unexpected, recorded().notifier);
    expect(environment).toEqual({ PATH: '/bin' });
  });

  it.each([
    ['60000000', undefined, 60_000],
    ['60000000', '42', 60_000],
    ['60000000', '43', null],
    ['0', '42', null],
    ['-5', '42', null],
    ['junk', '42', null],
    [undefined, '42', null],
  ])('with WATCHDOG_USEC %s for process %s is fed within %s ms', (usec, pid, expected) => {
    const environment = { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: usec, WATCHDOG_PID: pid };
    expect(serviceManager(environment, 42, unexpected, recorded().notifier).watchdogMs).toBe(expected);
  });

  it('says why it could not be told, and goes on', async () => {
    const why: string[] = [];
    const manager = serviceManager(
      { NOTIFY_SOCKET: '/x' },
      1,
      (text) => why.push(text),
      () => Promise.reject(new Error('no such program')),
    );
    await manager.ready();
    await manager.stopping();
    expect(why).toEqual(['no such program', 'no such program']);
  });
});

describe('the watchdog', () => {
  const part = (name: string, at: number, patienceMs: number): Progress => ({ name, at, patienceMs });

  it('counts as stalled what has made no progress for longer than its patience', () => {
    const parts = [part('doors', 900, 100), part('front', 899, 100), part('recording', 0, Infinity)];
    expect(stalledParts(parts, 1000)).toEqual(['front']);
    expect(stalledParts([], 1000)).toEqual([]);
  });

  it('is fed three times in the time that is allowed, and only while nothing has stalled', async () => {
    jest.useFakeTimers();
    let stalled: string[] = [];
    const told: string[] = [];
    const said: string[] = [];
    const say = (text: string) => () => Promise.resolve(void said.push(text));
    const manager: Pick<ServiceManager, 'watchdog' | 'status' | 'watchdogMs'> = {
      watchdog: say('watchdog'),
      status: (text) => Promise.resolve(void said.push(text)),
      watchdogMs: 3000,
    };
    const silence = feedWatchdog(
      manager,
      () => stalled,
      (parts) => told.push(parts),
    );
    await jest.advanceTimersByTimeAsync(2000);
    expect(said).toEqual(['watching the doors', 'watchdog', 'watchdog', 'watchdog']);
    stalled = ['front', 'back'];
    await jest.advanceTimersByTimeAsync(5000);
    expect(said.slice(4)).toEqual(['no progress: front, back']);
    stalled = [];
    await jest.advanceTimersByTimeAsync(1000);
    expect(said.slice(5)).toEqual(['watching the doors', 'watchdog']);
    expect(told).toEqual(['front, back', '']);
    silence();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(said).toHaveLength(7);
    jest.useRealTimers();
  });
});

/** systemd's own receiver: hands the datagrams of a socket to `cat`. */
const RECEIVER = 'systemd-socket-activate';
const haveSystemd = spawnSync(RECEIVER, ['--version']).status === 0;

(haveSystemd ? describe : describe.skip)('through systemd-notify', () => {
  it('delivers to a datagram socket, in order', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'usher-notify-'));
    const socket = path.join(folder, 'notify');
    const receiver = spawn(RECEIVER, ['--datagram', '-l', socket, '/bin/sh', '-c', 'exec cat <&3'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      let heard = '';
      receiver.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
      const manager = serviceManager({ NOTIFY_SOCKET: socket }, process.pid, unexpected);
      await manager.ready();
      await manager.status('watching the doors');
      await manager.watchdog();
      await manager.stopping();
      while (!heard.includes('STOPPING=1')) await new Promise((resolve) => setTimeout(resolve, 10));
      const messages = ['READY=1', 'STATUS=watching the doors', 'WATCHDOG=1', 'STOPPING=1'];
      expect(messages.map((message) => heard.indexOf(message))).toEqual(
        messages.map((message) => heard.indexOf(message)).sort((a, b) => a - b),
      );
      for (const message of messages) expect(heard).toContain(message);
      expect(heard).not.toContain('MAINPID');
    } finally {
      receiver.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
});
