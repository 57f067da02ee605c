import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors';
import { released, type EffectiveConfig, CONFIG_CHANNEL, OPERATORS } from '../../fleet/update/effective-config';
import {
  type Candidate,
  type Trial,
  TrialFailed,
  type TrialReport,
  type Obstacle,
  type RunningModel,
} from '../../fleet/update/trial';
import { writeDurably } from '../../files/durable-file';
import { monotonicMs } from '../../system/clock';
import type { HealthBoard } from '../health/health';
import { type ChannelTarget, wrongKind } from './targets';

export interface ConfigTrialParts {
  readonly under: EffectiveConfig;
  readonly health: Pick<HealthBoard, 'entries'>;
  /** Whether a door is deciding at present. */
  readonly isBusy: () => boolean;
  /** The daemon stops its parts and starts again under the settings that are then due. */
  readonly restart: (why: string) => void;
  readonly probationMs: number;
  /** Longest time without everything working, at first and later. */
  readonly patienceMs: number;
}

const LOOK_MS = 250;
/** A restart waits for a person at a door, but not longer than this, since there may always be one. */
const BUSY_MS = 20_000;
/**
 * File for parts of the box that had failed before, which is not the settings' fault. For the process that follows this
 * one.
 */
const FAILED_BEFORE = 'failed-before.json';
/**
 * Parts that settings of a fleet cannot affect (`ReleasedConfig`): an offline broker must not put settings into
 * quarantine.
 */
const NOT_THEIRS = ['broker'];

/**
 * Settings of the fleet on trial. They take effect only at a start, so the daemon restarts its parts, while the doors
 * are out of service for a moment; the way back is the same. If a part then fails for too long, the settings are at
 * fault, unless the part had failed before.
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

  /** The settings to try are on disk as such: the next start runs under them. */
  async settle(signal: AbortSignal): Promise<void> {
    if (this.isRunning) return;
    const until = monotonicMs() + BUSY_MS;
    while (this.parts.isBusy() && monotonicMs() < until) await delay(LOOK_MS, undefined, { signal });
    this.parts.restart(`settings ${this.candidate.release.version} of the fleet are tried`);
    // This process's part of the trial ends here.
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
        throw new TrialFailed('start-failed', `with these settings there is no progress of ${unwell.join(', ')}`);
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

/** The settings of this box, as a target of updates. */
export class ConfigTarget implements ChannelTarget {
  readonly channels = [CONFIG_CHANNEL];

  constructor(private readonly parts: ConfigTrialParts) {}

  start(): Promise<void> {
    return Promise.resolve();
  }

  running(): RunningModel {
    // If the fleet has changed nothing yet; else the pointer names the settings in force.
    return { version: OPERATORS, space: null, dir: null };
  }

  obstacle({ channel, release }: Candidate): Obstacle | null {
    return release.kind === 'config' ? null : wrongKind(channel, release);
  }

  begin(candidate: Candidate): Trial {
    return new ConfigTrial(candidate, this.parts);
  }

  restore(): Promise<void> {
    this.parts.restart('back to the settings before');
    return Promise.resolve();
  }
}
