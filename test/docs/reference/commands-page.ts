import type { CommandTree } from './command-tree';
import { escaped, generatedPage, item, wrapped } from './markdown';

const INTRO =
  'Every command with its arguments and options, as `--help` shows them. In a checkout write `npx --no-install usher` instead of `usher`. See [exit codes](exit-codes.md) for how a command ends.';

export function commandsPage(program: CommandTree): string {
  return generatedPage(
    'Commands',
    INTRO,
    program.commands.flatMap((command) => sectionsOf(command, 'usher', 2)),
  );
}

function sectionsOf(command: CommandTree, parent: string, level: number): string[] {
  const name = `${parent} ${command.name}`;
  const isGroup = command.commands.length > 0 && command.arguments.length === 0;
  const items = [...command.arguments.filter(({ description }) => description !== '').map(argumentItem)];
  items.push(...command.options.map(optionItem));
  return [
    `${'#'.repeat(level)} ${name}`,
    ...(command.description === '' ? [] : [wrapped(escaped(`${capital(command.description)}.`))]),
    ...(isGroup ? [] : [`\`\`\`sh\n${name} ${command.usage}\n\`\`\``]),
    ...(items.length === 0 ? [] : [items.join('\n')]),
    ...(command.more === '' ? [] : [`\`\`\`text\n${command.more}\n\`\`\``]),
    ...command.commands.flatMap((one) => sectionsOf(one, name, Math.min(level + 1, 4))),
  ];
}

function argumentItem({ name, description }: CommandTree['arguments'][number]): string {
  return item(escaped(`\`${name}\`: ${description}`));
}

function optionItem(option: CommandTree['options'][number]): string {
  const facts = [
    ...(option.mandatory ? ['required'] : []),
    ...(option.choices === null ? [] : [option.choices.join(', ')]),
    ...(option.default === null ? [] : [`default: ${option.default}`]),
  ];
  const text = facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
  return item(`\`${option.flags}\`: ${escaped(text)}`);
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
