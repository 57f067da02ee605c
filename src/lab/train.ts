import { Command } from 'commander';
import { trainDetectorHeadCommand } from './faces/detector/train-command';
import { trainDetectorScenesCommand } from './faces/detector/scenes-command';
import { trainFaceHeadCommand } from './faces/head/train-command';
import { trainSceneCommand } from './scene/train-command';
import { trainWakeWordCommand } from './wake-word/train-command';

export function trainCommand(): Command {
  return new Command('train')
    .description('train your own model')
    .addCommand(trainWakeWordCommand())
    .addCommand(trainFaceHeadCommand())
    .addCommand(trainSceneCommand())
    .addCommand(trainDetectorHeadCommand())
    .addCommand(trainDetectorScenesCommand());
}
