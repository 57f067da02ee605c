import { Command } from 'commander';
import { benchMatchCommand } from './bench-match';
import { benchVisionCommand } from './bench-vision';

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure how fast this machine is')
    .addCommand(benchVisionCommand())
    .addCommand(benchMatchCommand());
}
