import { Argument, Command, CommanderError, Option } from 'commander';
import { documents, fencesOf } from './documents';
import { type CommandTree, commandTree } from './reference/command-tree';

/** Every `usher …` in the documents names a command and options that exist. Nothing is run. */

/** The tree as commander parses it. What a command needs is not asked for: prose names a command without all its options. */
function parserOf(tree: CommandTree): Command {
  const command = new Command(tree.name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  for (const { flags, choices } of tree.options) {
    const option = new Option(flags);
    if (choices !== null && flags.includes('<')) option.choices(choices);
    command.addOption(option);
  }
  for (const { name, variadic } of tree.arguments)
    command.addArgument(new Argument(variadic ? `[${name}...]` : `[${name}]`));
  for (const one of tree.commands) command.addCommand(parserOf(one));
  return tree.commands.length === 0 ? command.action(() => undefined) : command;
}

const program = commandTree();

function faultOf(line: string): string | null {
  try {
    parserOf(program).parse(wordsOf(line), { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // A group alone prints its help; prose may name an option without its value.
    return /help|version|optionMissingArgument/.test(error.code) ? null : error.message;
  }
}

/** Words of a shell line up to a comment, a pipe or a redirection. Of `a|b` the first; brackets around what is optional go. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/"(?:\\.|[^"\\])*"|'[^']*'|(?:[^\s"']|"[^"]*"|'[^']*')+/g)) {
    if (/^(#|\||\|\||&&|&|;|>|>>|<|2>.*)$/.test(word)) break;
    if (word === '…') continue;
    const plain = word.replace(/^["']|["']$/g, '');
    words.push(plain === word ? plain.replace(/[[\];)]/g, '').replace(/\|.*/, '') : plain);
    if (/[;)]$/.test(word)) break;
  }
  return words;
}

interface Mention {
  readonly path: string;
  readonly line: string;
}

/** In fenced shell blocks every line, elsewhere what stands between backquotes and begins with `usher`. */
function mentionsOf(path: string, text: string): Mention[] {
  const shell = fencesOf(text)
    .filter(({ language }) => /^(sh|bash|shell|console|)$/.test(language))
    .flatMap(({ body }) => body.replace(/\\\n\s*/g, ' ').split('\n'));
  const inline = [...text.replace(/^( *)```[\s\S]*?^\1```/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
  return [...shell, ...inline].flatMap((line) => {
    const found = /^\s*(?:\$ )?(?:sudo )?(?:npx (?:--no-install )?)?usher\s+(.+)$/.exec(line.replace(/\s+/g, ' '));
    return found?.[1] === undefined ? [] : [{ path, line: found[1] }];
  });
}

/** Its usage lines are those of the commands themselves. */
const GENERATED = 'docs/reference/commands.md';
/** What was true of an earlier version stays as it was written. */
const HISTORY = 'CHANGELOG.md';
const mentions = documents()
  .filter(({ path }) => path !== GENERATED && path !== HISTORY)
  .flatMap(({ path, text }) => mentionsOf(path, text));

test('every command line in the documents is one', () => {
  const wrong = mentions.flatMap(({ path, line }) => {
    const fault = faultOf(line);
    return fault === null ? [] : [`${path}: usher ${line}: ${fault}`];
  });
  expect(mentions.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

test.each([
  ['members lits', /unknown command/],
  ['members list --jsno', /unknown option/],
  ['fleet publish x --channels scene', /unknown option/],
  ['nonsense', /unknown command/],
])('usher %s is found out', (line, expected) => expect(faultOf(line)).toMatch(expected));

test.each([
  'members list --json | jq .',
  'doctor --config my-door.yaml # looks',
  'train',
  'fleet …',
  'run --config "a b.yaml" &',
])('usher %s is one', (line) => expect(faultOf(line)).toBeNull());
