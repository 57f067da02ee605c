import type { ReleaseDocument } from '../../fleet/release';
import {
  type Candidate,
  type Obstacle,
  type RunningModel,
  type Trial,
  TrialFailed,
  type UpdateTarget,
} from '../../fleet/update/trial';

/** A target for channels of its own. */
export interface ChannelTarget extends UpdateTarget {
  readonly channels: readonly string[];
  start(): Promise<void>;
}

/** Settings on a channel of models, or a model on that of settings. */
export function wrongKind(channel: string, { kind }: ReleaseDocument): Obstacle {
  return { reason: 'no-such-channel', detail: `this box accepts no ${kind} on ${channel}` };
}

/** Everything on this box that updates can replace, each channel with its own target. */
export class ChannelTargets implements ChannelTarget {
  constructor(private readonly targets: readonly ChannelTarget[]) {}

  get channels(): readonly string[] {
    return this.targets.flatMap(({ channels }) => channels);
  }

  async start(): Promise<void> {
    for (const target of this.targets) await target.start();
  }

  running(channel: string): RunningModel | null {
    return this.of(channel)?.running(channel) ?? null;
  }

  obstacle(candidate: Candidate): Obstacle | null {
    const target = this.of(candidate.channel);
    if (target === null) return { reason: 'no-such-channel', detail: `this box has no model on ${candidate.channel}` };
    return target.obstacle(candidate);
  }

  begin(candidate: Candidate): Trial {
    const target = this.of(candidate.channel);
    if (target === null) throw new TrialFailed('invalid', `nothing runs on ${candidate.channel}`);
    return target.begin(candidate);
  }

  async restore(channel: string, dir: string | null): Promise<void> {
    await this.of(channel)?.restore(channel, dir);
  }

  private of(channel: string): ChannelTarget | null {
    return this.targets.find(({ channels }) => channels.includes(channel)) ?? null;
  }
}
