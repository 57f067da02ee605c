import { Command } from 'commander';
import { trainDetectorHeadCommand } from './train-detector-head';
import { trainDetectorScenesCommand } from './train-detector-scenes';
import { trainFaceHeadCommand } from './train-face-head';
import { trainSceneCommand } from './train-scene';
import { trainWakeWordCommand } from './train-wake-word';

export function trainCommand(): Command {
  return new Command('train')
    .description('train a model of your own')
    .addCommand(trainWakeWordCommand())
    .addCommand(trainFaceHeadCommand())
    .addCommand(trainSceneCommand())
    .addCommand(trainDetectorHeadCommand())
    .addCommand(trainDetectorScenesCommand());
}
