import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { LoadedConfig } from '../../../config/load/load';
import { UsherError } from '../../../errors';
import { BenchClient } from './client';
import type { DaemonSample } from './figures';
import { descendants, sampleProcess } from './processes';
import { endWithUs } from '../../../system/own-children';
import { packageRoot } from '../../../system/paths';

const READY_MS = 60_000;

const Counts = z.object({
  cameras: z
    .array(
      z.object({
        framesCaptured: z.number(),
        framesAnalysed: z.number(),
        framesDropped: z.number(),
        restarts: z.number(),
      }),
    )
    .length(1),
});

/** `usher run` as a child process, as an installation starts it, observed from outside. */
export class MeasuredDaemon {
  /** From the start of the process to its first analysed frame, ms. */
  readyMs = NaN;
  unlocks = 0;
  refusals = 0;
  /** Starts of the camera after its first. */
  restarts = 0;
  private broker: string | null = null;
  private client: BenchClient | null = null;
  private readonly lines: string[] = [];

  private constructor(private readonly process: ChildProcess) {}

  /** @throws UsherError `camera-failed` with the daemon's last log lines if it is not ready in time */
  static async start({ file, config: { device, mqtt } }: LoadedConfig): Promise<MeasuredDaemon> {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'main.js'), 'run', '--config', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    endWithUs(child);
    const daemon = new MeasuredDaemon(child);
    try {
      await daemon.untilReady();
      daemon.readyMs = performance.now() - startedAt;
      await daemon.listen({ site: device.site, device: device.id, discoveryPrefix: mqtt.discoveryPrefix });
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** @throws UsherError `camera-failed` when a process is gone */
  async sample(atS: number): Promise<DaemonSample> {
    const { result } = (await this.client?.command('status')) ?? {};
    const [counts] = Counts.parse(result).cameras;
    const control = this.process.pid ?? -1;
    const below = descendants(control);
    const child = below.find(({ parent }) => parent === control);
    const program = below.find(({ parent }) => parent === child?.pid);
    const [own, vision] = [sampleProcess(control), sampleProcess(child?.pid ?? -1)];
    if (own === null || vision === null || counts === undefined) throw this.failed('a process of the daemon is gone');
    this.restarts = counts.restarts;
    return { atS, control: own, vision, camera: sampleProcess(program?.pid ?? -1), ...counts };
  }

  async stop(): Promise<void> {
    await this.client?.close();
    const { process: child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  private async listen(base: ConstructorParameters<typeof BenchClient>[1]): Promise<void> {
    if (this.broker === null) throw this.failed('its log does not name its broker');
    this.client = new BenchClient(this.broker, base);
    await this.client.connect();
    this.client.on((heard) => {
      if (heard.kind === 'unlock') this.unlocks++;
      if (heard.kind === 'decision' && heard.payload.outcome === 'denied') this.refusals++;
    });
  }

  private untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.failed(`not ready within ${READY_MS / 1000} s`)), READY_MS);
      this.process.once('exit', (code) => reject(this.failed(`it ended with exit code ${code ?? 'unknown'}`)));
      if (this.process.stderr === null) return;
      createInterface({ input: this.process.stderr }).on('line', (line) => {
        // Only the last lines are kept, for the error; a run may take a day.
        this.lines.push(line);
        if (this.lines.length > 20) this.lines.shift();
        const said = objectOf(line);
        if (said['message'] === 'started') this.broker = String(said['broker']);
        if (said['message'] !== 'ready') return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private failed(what: string): UsherError {
    return new UsherError('camera-failed', `the daemon: ${what}\n${this.lines.join('\n')}`);
  }
}

function objectOf(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
