import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { encodeJpeg } from '../../src/vision/picture/picture';
import { descendantsOf, Installation } from '../support/daemon';

const RECEIVER = 'systemd-socket-activate';
const describeWithSystemd = spawnSync(RECEIVER, ['--version']).status === 0 ? describe : describe.skip;

/** The daemon as systemd would start it, and systemd's own receiver of what it says. */
describeWithSystemd('the daemon under a service manager', () => {
  let installation: Installation;
  let daemon: ChildProcess;
  let receiver: ChildProcess;
  let heard = '';
  let pictures: string;

  const hears = async (what: string, times = 1): Promise<void> => {
    while (heard.split(what).length - 1 < times) {
      if (daemon.exitCode !== null) throw new Error(`the daemon ended; heard: ${heard}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeAll(async () => {
    pictures = mkdtempSync(path.join(tmpdir(), 'usher-notify-pictures-'));
    const grey = new Uint8Array(64 * 48 * 3).fill(120);
    writeFileSync(path.join(pictures, '1.jpg'), await encodeJpeg({ width: 64, height: 48, data: grey }));
    installation = await Installation.make({
      mqtt: { broker: { type: 'embedded', port: 0 } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: pictures, loop: true }, fps: 5 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    });
    const socket = path.join(installation.dir, 'notify');
    receiver = spawn(RECEIVER, ['--datagram', '-l', socket, '/bin/sh', '-c', 'exec cat <&3'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    receiver.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
    daemon = spawn(
      process.execPath,
      [path.join(packageRoot(), 'dist/main.js'), 'run', '--config', installation.config],
      {
        stdio: 'ignore',
        env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1500000' },
      },
    );
  });

  afterAll(async () => {
    daemon.kill('SIGKILL');
    receiver.kill('SIGKILL');
    rmSync(pictures, { recursive: true, force: true });
    await installation.remove();
  });

  it('says that it is ready when it is, and goes on feeding the watchdog while a camera is away', async () => {
    await hears('WATCHDOG=1', 2);
    expect(heard.indexOf('READY=1')).toBeLessThan(heard.indexOf('WATCHDOG=1'));
    expect(heard.match(/READY=1/g)).toHaveLength(1);
    rmSync(pictures, { recursive: true });
    heard = '';
    await hears('WATCHDOG=1', 6);
    expect(heard).not.toContain('no progress');
  });

  it('keeps the socket from its children', () => {
    const children = descendantsOf(daemon.pid ?? -1);
    expect(children.length).toBeGreaterThan(0);
    for (const pid of children) {
      const environment = spawnSync('cat', [`/proc/${pid}/environ`], { encoding: 'utf8' }).stdout;
      // `systemd-notify` itself may be running just now.
      if (environment.split('\0').length > 2) expect(environment).not.toContain('NOTIFY_SOCKET');
    }
  });

  it('says that it is stopping before it stops', async () => {
    heard = '';
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(heard).toContain('STOPPING=1');
    expect(heard.slice(heard.indexOf('STOPPING=1'))).not.toContain('WATCHDOG=1');
  });
});
