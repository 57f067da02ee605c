import {
  type Candidate,
  type Obstacle,
  type RunningModel,
  type Trial,
  TrialFailed,
  type TrialGround,
} from '../../fleet/update/trial';

/** What a ground is to the channels that are its own. */
export interface ChannelGround extends TrialGround {
  readonly channels: readonly string[];
  start(): Promise<void>;
}

/** All that runs on this box and can be replaced, each channel on its own ground. */
export class TrialGrounds implements ChannelGround {
  constructor(private readonly grounds: readonly ChannelGround[]) {}

  get channels(): readonly string[] {
    return this.grounds.flatMap(({ channels }) => channels);
  }

  async start(): Promise<void> {
    for (const ground of this.grounds) await ground.start();
  }

  running(channel: string): RunningModel | null {
    return this.of(channel)?.running(channel) ?? null;
  }

  obstacle(candidate: Candidate): Obstacle | null {
    const ground = this.of(candidate.channel);
    if (ground === null) return { reason: 'no-such-channel', detail: `this box runs nothing on ${candidate.channel}` };
    return ground.obstacle(candidate);
  }

  begin(candidate: Candidate): Trial {
    const ground = this.of(candidate.channel);
    if (ground === null) throw new TrialFailed('invalid', `nothing runs on ${candidate.channel}`);
    return ground.begin(candidate);
  }

  async restore(channel: string, dir: string | null): Promise<void> {
    await this.of(channel)?.restore(channel, dir);
  }

  private of(channel: string): ChannelGround | null {
    return this.grounds.find(({ channels }) => channels.includes(channel)) ?? null;
  }
}
