import { Command } from 'commander';
import { checkMemberId, type Member, type StoredTemplate } from '../store/member';
import type { MemberSummary } from '../store/members';
import { Store } from '../store/store';
import { dataFolder, type InstallationOptions, withInstallationOptions } from './installation';

interface Options extends InstallationOptions {
  readonly json?: boolean;
}

/** `usher members …`: who is enrolled. A running daemon takes changes over by itself. */
export function membersCommand(): Command {
  const command = new Command('members').description('list, show, suspend and remove members');
  const add = (
    usage: string,
    description: string,
    work: (store: Store, args: readonly string[]) => Report,
    readonly = false,
  ): void => {
    const sub = withInstallationOptions(command.command(usage)).description(description);
    sub.option('--json', 'write JSON').action(async () => {
      const options = sub.opts<Options>();
      const store = Store.open(await dataFolder(options), { readonly });
      try {
        const { json, text } = work(store, sub.args);
        process.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`);
      } finally {
        store.close();
      }
    });
  };

  add('list', 'all members, by id', (store) => listReport(store.members.list()), true);
  add('show <id>', 'one member with the templates it has', (store, [id = '']) => showReport(store, id), true);
  add('remove <id>', 'remove a member and all templates, for good', (store, [id = '']) => {
    const member = store.members.get(checkMemberId(id));
    store.members.remove(member.id);
    return { json: { removed: memberJson(member) }, text: `${member.id} (${member.name}) is removed` };
  });
  const change = (verb: string, description: string, status: 'active' | 'suspended'): void =>
    add(`${verb} <id>`, description, (store, [id = '']) =>
      changedReport(store.members.update(checkMemberId(id), { status })),
    );
  change('suspend', 'keep the member, refuse entry', 'suspended');
  change('activate', 'let a suspended member in again', 'active');
  add('rename <id> <name>', 'correct the name', (store, [id = '', name = '']) =>
    changedReport(store.members.update(checkMemberId(id), { name })),
  );
  return command;
}

interface Report {
  readonly json: object;
  readonly text: string;
}

const dateOf = (at: number): string => new Date(at).toISOString();

export function memberJson({ id, name, status, createdAt, updatedAt }: Member): object {
  return { id, name, status, createdAt: dateOf(createdAt), updatedAt: dateOf(updatedAt) };
}

function changedReport(member: Member): Report {
  return { json: { member: memberJson(member) }, text: `${member.id} (${member.name}) is ${member.status}` };
}

function listReport(members: readonly MemberSummary[]): Report {
  const rows = members.map(({ id, name, status, templates, createdAt }) => [
    id,
    name,
    status,
    String(templates),
    dateOf(createdAt).slice(0, 10),
  ]);
  const suspended = members.filter(({ status }) => status === 'suspended').length;
  return {
    json: { members: members.map((member) => ({ ...memberJson(member), templates: member.templates })) },
    text: [
      ...table([['id', 'name', 'status', 'templates', 'since'], ...rows]),
      `${members.length} ${members.length === 1 ? 'member' : 'members'}, ${suspended} suspended`,
    ].join('\n'),
  };
}

function showReport(store: Store, id: string): Report {
  const member = store.members.get(checkMemberId(id));
  const templates = store.templates.list(member.id);
  const row = ({ id: template, space, source, quality, createdAt }: StoredTemplate): string[] => [
    String(template),
    space,
    source,
    quality.toFixed(2),
    dateOf(createdAt),
  ];
  return {
    json: {
      member: memberJson(member),
      // The vector itself is biometric data: it stays in the store.
      templates: templates.map(({ id: template, space, source, quality, createdAt }) => ({
        id: template,
        space,
        source,
        quality,
        createdAt: dateOf(createdAt),
      })),
    },
    text: [
      `${member.id} (${member.name}), ${member.status}, since ${dateOf(member.createdAt)}`,
      ...(templates.length === 0
        ? ['no templates: enrol this member again']
        : table([['template', 'space', 'source', 'quality', 'made'], ...templates.map(row)])),
    ].join('\n'),
  };
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
