import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { UsherError } from '../../../errors';
import { endWithUs } from '../../../system/own-children';
import { pollUntil } from '../../../system/poll';

const PROGRAMS = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/bin/mosquitto'];
const START_MS = 10_000;

/**
 * A mosquitto on a loopback port for the time of a simulation. By default mosquitto queues 1000 messages for a
 * subscriber and drops the rest: the manager of more boxes would never see all of them.
 */
export class OwnBroker {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param limits lines of its configuration instead of the default. @throws UsherError `broker-failed` */
  static async start(folder: string, limits: readonly string[] = ['max_queued_messages 0']): Promise<OwnBroker> {
    const program = PROGRAMS.find((file) => existsSync(file));
    if (program === undefined)
      throw new UsherError('broker-failed', 'mosquitto is not installed', {
        remedy: 'Install it (Debian package "mosquitto"), or name your own broker with --broker URL.',
      });
    const port = await freePort();
    const file = join(folder, 'mosquitto.conf');
    // Else mosquitto would change to a user who may not read this folder.
    const user = ['user root', 'persistence false', 'allow_anonymous true', `listener ${port} 127.0.0.1`];
    writeFileSync(file, [...user, ...limits, 'set_tcp_nodelay true', ''].join('\n'));
    const child = spawn(program, ['-c', file], { stdio: 'ignore' });
    endWithUs(child);
    const broker = new OwnBroker(`mqtt://127.0.0.1:${port}`, child);
    const answered = async (): Promise<boolean> => child.exitCode !== null || (await accepts(port));
    if (!(await pollUntil(answered, { everyMs: 20, withinMs: START_MS })) || child.exitCode !== null) {
      await broker.stop();
      throw new UsherError('broker-failed', `${program} does not start`, {
        remedy: `Run it by hand: ${program} -c ${file}`,
      });
    }
    return broker;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
