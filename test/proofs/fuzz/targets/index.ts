import type { Target } from '../target';
import { CAMERAS } from './cameras';
import { FILES } from './files';
import { FLEET } from './fleet';
import { MESSAGES } from './messages';
import { MODELS } from './models';
import { SENSORS } from './sensors';
import { VOICE } from './voice';

/** Every parser of what comes from outside. A target is made where it runs: some open files. */
export const TARGETS: readonly (() => Target)[] = [
  ...MESSAGES,
  ...SENSORS,
  ...CAMERAS,
  ...FILES,
  ...MODELS,
  ...VOICE,
  ...FLEET,
];
