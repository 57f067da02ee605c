import { Command } from 'commander';
import { trainFaceHeadCommand } from './train-face-head';
import { trainSceneCommand } from './train-scene';

export function trainCommand(): Command {
  return new Command('train')
    .description('train a model of your own')
    .addCommand(trainFaceHeadCommand())
    .addCommand(trainSceneCommand());
}
