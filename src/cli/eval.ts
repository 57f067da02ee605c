import { Command } from 'commander';
import { evalClustersCommand } from './eval-clusters';
import { evalFacesCommand } from './eval-faces';
import { evalLivenessCommand } from './eval-liveness';
import { evalPrivacyCommand } from './eval-privacy';
import { evalSceneCommand } from './eval-scene';
import { evalWakeWordCommand } from './eval-wake-word';

export function evalCommand(): Command {
  return new Command('eval')
    .description('measure how well models recognise')
    .addCommand(evalFacesCommand())
    .addCommand(evalLivenessCommand())
    .addCommand(evalPrivacyCommand())
    .addCommand(evalSceneCommand())
    .addCommand(evalWakeWordCommand())
    .addCommand(evalClustersCommand());
}
