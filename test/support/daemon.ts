import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import { packageRoot } from '../../src/system/paths';
import { leashed } from './leash';
import { PATIENCE_MS } from './until';

const MAIN = join(packageRoot(), 'dist', 'main.js');
/** In the environment of every process that a daemon of ours starts, however far below it. */
const MARK = 'USHER_TEST_INSTALLATION';

export async function usher(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...args], { timeout: 120_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code?: number; stdout: string; stderr: string };
    return { code: failed.code ?? -1, stdout: failed.stdout, stderr: failed.stderr };
  }
}

/** A folder with a configuration and its data, for real `usher` processes. */
export class Installation {
  private constructor(
    readonly dir: string,
    readonly config: string,
  ) {}

  static async make(config: object): Promise<Installation> {
    const dir = await mkdtemp(join(tmpdir(), 'usher-daemon-'));
    const file = join(dir, 'config.yaml');
    await writeFile(
      file,
      stringify({
        device: { site: 'gym', id: 'box' },
        dataDir: 'data',
        models: { dir: join(packageRoot(), 'models') },
        log: { level: 'info' },
        ...config,
      }),
    );
    return new Installation(dir, file);
  }

  enroll(id: string, ...photos: string[]) {
    const consent = ['--consent-text', 'test-1', '--consent-by', 'the test'];
    return usher('enroll', '--config', this.config, '--id', id, '--name', `Member ${id}`, ...consent, ...photos);
  }

  /** Processes of its daemons that still live, children whose parent is gone included. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((entry) => {
        try {
          return readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(`${MARK}=${this.dir}`);
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** A running daemon as a process of its own. */
export class Daemon {
  log = '';
  readonly exit: Promise<number | null>;

  private constructor(readonly process: ChildProcess) {
    const hear = (chunk: Buffer): void => void (this.log += chunk.toString());
    process.stderr?.on('data', hear);
    process.stdout?.on('data', hear);
    this.exit = new Promise((resolve) => process.once('exit', (code) => resolve(code)));
  }

  static start(installation: Installation, env: Readonly<Record<string, string>> = {}): Daemon {
    return Daemon.launch(installation, ['run', '--config', installation.config], env);
  }

  /** As the leader of a process group of its own, as a shell starts it: the group can be signalled. */
  static startGroup(installation: Installation): Daemon {
    return Daemon.launch(installation, ['run', '--config', installation.config], {}, true);
  }

  /** Any usher command that stays up. */
  static spawn(installation: Installation, ...args: string[]): Daemon {
    return Daemon.launch(installation, args, {});
  }

  private static launch(
    installation: Installation,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    detached = false,
  ): Daemon {
    return new Daemon(
      spawn(...leashed(process.execPath, [MAIN, ...args]), {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached,
        env: { ...process.env, ...env, [MARK]: installation.dir },
      }),
    );
  }

  /** Resolves when the log holds the text; fails with the log when the process ends or time is up before that. */
  async says(text: string | RegExp, ms = 30_000): Promise<void> {
    const deadline = performance.now() + ms;
    const holds = (): boolean => (typeof text === 'string' ? this.log.includes(text) : text.test(this.log));
    while (!holds()) {
      if (this.process.exitCode !== null || performance.now() > deadline)
        throw new Error(`the daemon did not say ${String(text)}:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.process.kill(signal);
    return this.exit;
  }

  /** Processes below this one, by parent, as /proc tells. */
  descendants(): number[] {
    return descendantsOf(this.process.pid ?? -1);
  }
}

export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = /^\d+ \(.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'));
      if (stat !== null && stat[1] !== 'Z') parents.set(Number(entry), Number(stat[2]));
    } catch {
      // It ended while we looked.
    }
  }
  const found: number[] = [];
  const below = (parent: number): void => {
    for (const [child, its] of parents)
      if (its === parent) {
        found.push(child);
        below(child);
      }
  };
  below(pid);
  return found;
}

export interface Heard {
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly retain: boolean;
  readonly at: number;
}

/** Tests send messages that are no JSON; the watcher hears those too. */
function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** An ordinary MQTT client that writes down what it hears and may speak. */
export class Watcher {
  readonly heard: Heard[] = [];

  private constructor(private readonly client: MqttClient) {}

  static async connect(url: string, filter = 'usher/#'): Promise<Watcher> {
    const client = connect(url, { reconnectPeriod: 100 });
    const watcher = new Watcher(client);
    client.on('message', (topic, payload, packet) => {
      watcher.heard.push({
        topic,
        payload: objectOf(payload.toString()),
        retain: packet.retain,
        at: performance.now(),
      });
    });
    const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no connection to ${url}`)), PATIENCE_MS);
    });
    try {
      await Promise.race([connected, late]);
      await client.subscribeAsync(filter, { qos: 1 });
    } catch (error) {
      client.end(true);
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return watcher;
  }

  async say(
    topic: string,
    payload: object | string | Buffer,
    options: { retain?: boolean; qos?: 0 | 1 } = {},
  ): Promise<void> {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    await this.client.publishAsync(topic, bytes, { qos: options.qos ?? 1, retain: options.retain ?? false });
  }

  swipe(reader: string, id: string): Promise<void> {
    return this.say(`usher/v1/gym/box/in/${reader}/swipe`, { v: 1, id, at: Date.now() });
  }

  of(topic: string): Heard[] {
    return this.heard.filter((message) => message.topic.endsWith(topic));
  }

  async hears(what: string, holds: (message: Heard) => boolean, ms = 20_000, from = 0): Promise<Heard> {
    const deadline = performance.now() + ms;
    for (;;) {
      const found = this.heard.slice(from).find(holds);
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw new Error(
          `waited in vain for ${what}; heard:\n${this.heard
            .slice(-25)
            .map((m) => `${m.topic} ${JSON.stringify(m.payload)}`)
            .join('\n')}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}
