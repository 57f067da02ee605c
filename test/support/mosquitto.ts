import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { leashed } from './leash';
import { PATIENCE_MS } from './until';

// Debian installs it into sbin, which is not on every user's PATH.
const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const binary = folders.map((folder) => path.join(folder, 'mosquitto')).find((file) => existsSync(file));

/** scripts/setup installs mosquitto, so its absence is a failure of the machine, said once, and not a reason to skip. */
export const describeWithMosquitto = (name: string, body: () => void): void => {
  if (binary !== undefined) describe(name, body);
  else
    describe(name, () => {
      it('needs mosquitto', () => {
        throw new Error('mosquitto is not installed: run scripts/setup (Debian package "mosquitto")');
      });
    });
};

/** A port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real mosquitto on a loopback port. Keeps port and configuration over `stop` and `start`; keeps no messages. */
export class Mosquitto {
  private readonly config: readonly string[];
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'usher-mosquitto-'));
  private child: ChildProcess | null = null;
  private log = '';
  port = 0;

  /** @param config lines of mosquitto.conf that follow the listener; anonymous clients are allowed unless they say otherwise. */
  constructor(config: readonly string[] = ['allow_anonymous true']) {
    this.config = config;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const chosen = this.port === 0;
    for (let attempt = 1; ; attempt++) {
      if (this.port === 0) this.port = await freePort();
      try {
        await this.launch();
        return;
      } catch (error) {
        // Between our look and its start another program can have taken a free port.
        if (!chosen || attempt === 5 || !this.log.includes('Address already in use')) throw error;
        this.log = '';
        this.port = 0;
      }
    }
  }

  private async launch(): Promise<void> {
    if (binary === undefined) throw new Error('mosquitto is not installed: run scripts/setup');
    const file = path.join(this.folder, 'mosquitto.conf');
    // As root it would change to a user who cannot read the files of the test.
    const lines = ['user root', 'persistence false', `listener ${this.port} 127.0.0.1`, ...this.config];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = spawn(...leashed(binary, ['-c', file]), { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.child = child;
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await accepts(this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}:\n${this.log}`);
      if (performance.now() > deadline) throw new Error(`mosquitto does not accept connections:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** It reads its access rules again. */
  reload(): void {
    this.child?.kill('SIGHUP');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Stops it and removes its files. */
  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
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
