import { Command } from 'commander';
import { benchDaemonCommand } from './bench/daemon/daemon-command';
import { benchDoorCommand } from './bench/daemon/door-command';
import { benchFleetCommand } from './bench/fleet/bench-command';
import { benchFloodCommand } from './bench/flood/flood-command';
import { benchMatchCommand } from './bench/match/match-command';
import { benchVisionCommand } from './bench/vision/vision-command';
import { benchVoiceCommand } from './bench/voice/voice-command';

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure how fast this machine is')
    .addCommand(benchVisionCommand())
    .addCommand(benchVoiceCommand())
    .addCommand(benchMatchCommand())
    .addCommand(benchDoorCommand())
    .addCommand(benchFleetCommand())
    .addCommand(benchFloodCommand())
    .addCommand(benchDaemonCommand());
}
