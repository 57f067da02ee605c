import { Command } from 'commander';
import { benchDaemonCommand } from './bench-daemon';
import { benchDoorCommand } from './bench-door';
import { benchFleetCommand } from './bench-fleet';
import { benchFloodCommand } from './bench-flood';
import { benchMatchCommand } from './bench-match';
import { benchVisionCommand } from './bench-vision';
import { benchVoiceCommand } from './bench-voice';

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
