import { Command } from 'commander';
import { evalFacesCommand } from './eval-faces';

export function evalCommand(): Command {
  return new Command('eval').description('measure how well models recognise').addCommand(evalFacesCommand());
}
