import { CONFIG_CHANNEL, OPERATORS } from '../../fleet/update/effective-config';
import type { Candidate, Obstacle, RunningModel, Trial } from '../../fleet/update/trial';
import { ConfigTrial, type ConfigTrialParts } from './config-trial';
import { type ChannelTarget, wrongKind } from './targets';

/** The configuration of this box, as what settings of the fleet are tried on. */
export class ConfigTarget implements ChannelTarget {
  readonly channels = [CONFIG_CHANNEL];

  constructor(private readonly parts: ConfigTrialParts) {}

  start(): Promise<void> {
    return Promise.resolve();
  }

  running(): RunningModel {
    // Where the fleet has changed nothing yet; else the pointer says what is in force.
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
