import { Command } from 'commander';
import { evalClustersCommand } from './faces/clusters/eval-command';
import { evalFacesCommand } from './faces/evaluation/faces-command';
import { evalLivenessCommand } from './liveness/eval-command';
import { evalPrivacyCommand } from './faces/privacy/privacy-command';
import { evalSceneCommand } from './scene/eval-command';
import { evalWakeWordCommand } from './wake-word/eval-command';

export function evalCommand(): Command {
  return new Command('eval')
    .description('measure the accuracy of models')
    .addCommand(evalFacesCommand())
    .addCommand(evalLivenessCommand())
    .addCommand(evalPrivacyCommand())
    .addCommand(evalSceneCommand())
    .addCommand(evalWakeWordCommand())
    .addCommand(evalClustersCommand());
}
