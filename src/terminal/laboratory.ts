import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Command } from 'commander';
import { systemCode, UsherError } from '../errors';

/** Commands of the laboratory: the file below `lab` and the function that makes the command. */
const COMMANDS = {
  train: ['train', 'trainCommand'],
  eval: ['eval', 'evalCommand'],
  bench: ['bench', 'benchCommand'],
  record: ['wake-word/record-command', 'recordCommand'],
  demo: ['demo/demo-command', 'demoCommand'],
  simulate: ['bench/fleet/simulate-command', 'fleetSimulateCommand'],
} as const;

const LABORATORY = path.join(__dirname, '..', 'lab');

/**
 * A command of the laboratory (training, evaluation, benchmarks, demonstration). A device is built and installed
 * without the laboratory, so the command is loaded at run time and no other part of the program depends on it.
 * @returns if the laboratory is not installed: a command of that name that says so
 */
export function laboratoryCommand(name: keyof typeof COMMANDS): Command {
  const [file, made] = COMMANDS[name];
  if (!existsSync(LABORATORY)) return missing(name);
  try {
    const module = createRequire(__filename)(path.join(LABORATORY, file)) as Record<typeof made, () => Command>;
    return module[made]();
  } catch (error) {
    // The libraries that only the laboratory needs are not installed on a device either.
    if (systemCode(error) === 'MODULE_NOT_FOUND') return missing(name, error);
    throw error;
  }
}

function missing(name: string, cause?: unknown): Command {
  return new Command(name)
    .description('not installed: part of the laboratory')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      throw new UsherError(
        'dependency-missing',
        `usher ${name} is part of the laboratory, which is not installed here`,
        {
          remedy:
            'Run it in a checkout of usher in which scripts/setup has run, or install from there with scripts/install-service --with-laboratory.',
          ...(cause === undefined ? {} : { cause }),
        },
      );
    });
}
