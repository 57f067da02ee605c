import { existsSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Daemon, type Installation, usher } from './daemon';
import { PATIENCE_MS } from './until';

/** A real `usher actuator` process with a relay that is a program: it writes a line into a file for every opening and closing. */
export class TestActuator {
  private constructor(
    private readonly installation: Installation,
    readonly config: string,
    private readonly relayLog: string,
  ) {}

  /** Its configuration beside the box's; it trusts the box's key. */
  static async make(
    installation: Installation,
    brokerUrl: string,
    options: { readonly door: string; readonly limits?: object; readonly clock?: object },
  ): Promise<TestActuator> {
    const relayLog = join(installation.dir, `relay-${options.door}.log`);
    const relay = join(installation.dir, `relay-${options.door}`);
    await writeFile(relay, `#!/bin/sh\necho "$1" >> ${relayLog}\n`);
    await chmod(relay, 0o755);
    const key = await usher('actuator', 'key', '--from-box', join(installation.dir, 'data'));
    const config = join(installation.dir, `actuator-${options.door}.yaml`);
    await writeFile(
      config,
      stringify({
        device: { site: 'gym', id: 'box' },
        door: options.door,
        broker: { url: brokerUrl },
        trustedKeys: [key.stdout.trim()],
        stateDir: `actuator-${options.door}`,
        relay: { type: 'command', on: [relay, 'on'], off: [relay, 'off'] },
        limits: options.limits ?? {},
        clock: options.clock ?? {},
        health: { everySeconds: 1 },
      }),
    );
    return new TestActuator(installation, config, relayLog);
  }

  /** Resolves when it hears the topic. */
  async start(): Promise<Daemon> {
    const process = Daemon.spawn(this.installation, 'actuator', 'run', '--config', this.config);
    try {
      await process.says('listening', PATIENCE_MS);
    } catch (error) {
      await process.stop('SIGKILL');
      throw error;
    }
    return process;
  }

  /** What the relay was told so far, in order. */
  get told(): string[] {
    return existsSync(this.relayLog) ? readFileSync(this.relayLog, 'utf8').trim().split('\n') : [];
  }

  get openings(): number {
    return this.told.filter((line) => line === 'on').length;
  }

  get dataDir(): string {
    return join(this.installation.dir, 'data');
  }
}
