import { actuatorJsonSchema } from '../../../src/actuator/config/schema';
import { configJsonSchema } from '../../../src/config/schema/json-schema';
import { commandsPage } from './commands-page';
import { configurationPage } from './configuration-page';
import { commandTree } from './command-tree';
import { topicsPage } from './topics-page';

/** Every generated page, by its name in docs/reference. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'configuration.md': () =>
    configurationPage(
      'Configuration of a box',
      'Every key of the file that `usher run` reads, in YAML. `usher config new` writes a commented file, and `usher config check` names every bad key at once. A path is relative to the folder of the file unless it begins with `/`. `[]` stands for an item of a list, `NAME` for a name of your choice.',
      configJsonSchema(),
    ),
  'actuator.md': () =>
    configurationPage(
      'Configuration of an actuator',
      'Every key of the file that `usher actuator run` reads, in YAML. `usher config new --actuator` writes a commented file. The actuator verifies the unlocks of one box and opens the lock of one door.',
      actuatorJsonSchema(),
    ),
  'topics.md': topicsPage,
  'commands.md': () => commandsPage(commandTree()),
};
