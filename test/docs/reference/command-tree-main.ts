import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../../../src/system/paths';
import type { CommandTree } from './command-tree';

/** Prints the command line as it was built, as JSON. A process of its own: commands are loaded by import(), which Jest does not allow. */
async function main(): Promise<void> {
  const { programFor } = (await import(join(packageRoot(), 'dist', 'cli', 'program.js'))) as {
    programFor(typed: undefined): Promise<Command>;
  };
  process.stdout.write(JSON.stringify(treeOf(await programFor(undefined))));
}

function treeOf(command: Command): CommandTree {
  return {
    name: command.name(),
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      required: argument.required,
      variadic: argument.variadic,
    })),
    options: command.options
      .filter(({ hidden }) => !hidden)
      .map(({ flags, description, mandatory, defaultValue, defaultValueDescription, argChoices }) => ({
        flags,
        description,
        mandatory,
        choices: argChoices ?? null,
        default: defaultValueDescription ?? defaultText(defaultValue),
      })),
    more: textAfterHelp(command),
    commands: command
      .createHelp()
      .visibleCommands(command)
      .filter((one) => one.name() !== 'help')
      .map(treeOf),
  };
}

/** A path in the checkout is shown from there: the page must be the same on every machine. */
function defaultText(value: unknown): string | null {
  if (value === undefined || value === false) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(`${packageRoot()}/`, '');
}

/** What a command prints after its help: longer explanations and examples. */
function textAfterHelp(command: Command): string {
  let written = '';
  command.configureOutput({ writeOut: (text) => (written += text) });
  command.outputHelp();
  const help = command.helpInformation();
  return written.slice(written.indexOf(help) + help.length).trim();
}

void main();
