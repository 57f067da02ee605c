import { CONFIG_CHANNEL, OPERATORS } from '../../fleet/update/effective-config';
import type { Candidate, Obstacle, RunningModel, Trial } from '../../fleet/update/trial';
import { ConfigTrial, type ConfigTrialParts } from './config-trial';
import { type ChannelTarget, wrongKind } from './targets';

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
