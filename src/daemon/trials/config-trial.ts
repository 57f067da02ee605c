import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors';
import { released, type EffectiveConfig } from '../../fleet/update/effective-config';
import { type Candidate, type Trial, TrialFailed, type TrialReport } from '../../fleet/update/trial';
import { writeDurably } from '../../files/durable-file';
import { monotonicMs } from '../../system/clock';
import type { HealthBoard } from '../health/health';

export interface ConfigTrialParts {
  readonly under: EffectiveConfig;
  readonly health: Pick<HealthBoard, 'entries'>;
  /** A door decides just now. */
  readonly isBusy: () => boolean;
  /** The daemon ends what it runs, and begins anew under what is then due. */
  readonly restart: (why: string) => void;
  readonly probationMs: number;
  /** Not everything may be well for so long, at first and later. */
  readonly patienceMs: number;
}

const LOOK_MS = 250;
/** Nobody who stands before a door is sent away by a restart; but somebody may always stand there. */
const BUSY_MS = 20_000;
/** Parts of the box that had failed before: not the fault of the settings. Beside them, for the process that comes after this one. */
const FAILED_BEFORE = 'failed-before.json';
/**
 * Parts that no settings of a fleet reach (`ReleasedConfig`): a broker that is away says nothing of them, and they must not be sent
 * into quarantine for its sake.
 */
const NOT_THEIRS = ['broker'];

/**
 * Settings of the fleet on trial. They can only be tried by starting under them: the daemon begins anew with what it runs, for which its
 * doors wait a moment, and goes back likewise. A part that is then not well for too long is their fault, unless it was not before.
 */
export class ConfigTrial implements Trial {
  private adopted = false;

  constructor(
    private readonly candidate: Candidate,
    private readonly parts: ConfigTrialParts,
  ) {}

  test(): Promise<TrialReport> {
    try {
      released(this.parts.under.operator, this.candidate.dir);
    } catch (error) {
      return Promise.reject(new TrialFailed('invalid', messageOf(error)));
    }
    return Promise.resolve({ agreement: null });
  }

  switch(): Promise<void> {
    writeDurably(join(this.candidate.dir, FAILED_BEFORE), Buffer.from(JSON.stringify(this.unwell())));
    return Promise.resolve();
  }

  /** What is to be tried is on disk as such: whoever starts now starts under it. */
  async settle(signal: AbortSignal): Promise<void> {
    if (this.isRunning) return;
    const until = monotonicMs() + BUSY_MS;
    while (this.parts.isBusy() && monotonicMs() < until) await delay(LOOK_MS, undefined, { signal });
    this.parts.restart(`settings ${this.candidate.release.version} of the fleet are tried`);
    // It ends with this process' part in it.
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }

  async watch(signal: AbortSignal): Promise<TrialReport> {
    const { probationMs, patienceMs } = this.parts;
    const before = this.failedBefore();
    const startedAt = monotonicMs();
    let wellAt = startedAt;
    for (;;) {
      const unwell = this.unwell().filter((component) => !before.includes(component));
      const now = monotonicMs();
      if (unwell.length === 0) wellAt = now;
      if (unwell.length === 0 && now - startedAt >= probationMs) return { agreement: null };
      if (now - wellAt > patienceMs)
        throw new TrialFailed('start-failed', `under these settings there is no progress of ${unwell.join(', ')}`);
      await delay(LOOK_MS, undefined, { signal });
    }
  }

  adopt(): Promise<void> {
    this.adopted = true;
    return Promise.resolve();
  }

  end(): Promise<void> {
    if (this.isRunning && !this.adopted) this.parts.restart('back to the settings before');
    return Promise.resolve();
  }

  private get isRunning(): boolean {
    const { release } = this.parts.under;
    return release !== null && release.trial && release.dir === this.candidate.dir;
  }

  private unwell(): string[] {
    return [...this.parts.health.entries()]
      .filter(
        ([component, { state }]) => !NOT_THEIRS.includes(component) && (state === 'failed' || state === 'starting'),
      )
      .map(([component]) => component);
  }

  private failedBefore(): string[] {
    try {
      const list: unknown = JSON.parse(readFileSync(join(this.candidate.dir, FAILED_BEFORE), 'utf8'));
      return Array.isArray(list) ? list.map(String) : [];
    } catch {
      return [];
    }
  }
}
