import { Command } from 'commander';
import { openStore } from '../../daemon/store/open-store';
import { UsherError } from '../../errors';
import { checkMemberId, type MemberFields } from '../../store/members/member';
import { isDamage } from '../../store/keys/keyring';
import type { DeletionReason } from '../../store/members/receipts';
import type { Store } from '../../store/store';
import { consentOf } from './consent';
import { type InstallationOptions, storeLocation, withInstallationOptions } from '../../terminal/installation';
import { actor, dateOrNone, several } from '../../terminal/members-options';
import {
  acceptedReport,
  adaptedReport,
  changedReport,
  forgottenReport,
  listReport,
  receiptsReport,
  removedReport,
  type Report,
  showReport,
} from './report';
import { addCheckCommands } from './check';
import { addEncodeCommand } from './encode';
import { addTransferCommands } from './transfer';

interface Options extends InstallationOptions {
  readonly json?: boolean;
  readonly by?: string;
  readonly all?: boolean;
  readonly group?: readonly string[];
  readonly validFrom?: number | 'none';
  readonly validUntil?: number | 'none';
  readonly duressId?: readonly string[];
  readonly consentText: string;
  readonly consentBy: string;
}

interface Sub {
  readonly usage: string;
  readonly description: string;
  readonly readonly?: boolean;
  readonly options?: (command: Command) => void;
  readonly work: (store: Store, args: readonly string[], options: Options) => Report;
}

const withBy = (command: Command): Command =>
  command.option('--by <who>', 'who decided it, for the record (default: the account that runs this)');

const withFields = (command: Command): Command =>
  command
    .option(
      '--group <name>',
      'group of the member, which rules of a door may name; may be repeated; none: no group',
      several,
    )
    .option('--valid-from <date>', 'may enter from this day on; none: from now on', dateOrNone)
    .option('--valid-until <date>', 'may enter up to the beginning of this day; none: no end', dateOrNone)
    .option(
      '--duress-id <id>',
      'further identifier that opens the door and raises a silent alarm; may be repeated; none: has none',
      several,
    );

const withConsent = (command: Command): Command =>
  command
    .requiredOption('--consent-text <version>', 'version of the text that the person agreed to')
    .requiredOption('--consent-by <who>', 'who took the consent');

const SUBS: readonly Sub[] = [
  {
    usage: 'list',
    description: 'list all members by id',
    readonly: true,
    work: (store) => listReport(store.members.survey()),
  },
  {
    usage: 'show <id>',
    description: 'show one member with its templates',
    readonly: true,
    work: (store, [id = '']) => {
      const member = store.members.get(checkMemberId(id));
      return showReport(member, store.templates.readMember(member.id));
    },
  },
  deletion('remove <id>', 'delete a member and all its templates permanently', 'removed'),
  deletion('withdraw <id>', 'delete a member who withdrew consent; the receipt says so', 'withdrawal'),
  standing('suspend <id>', 'keep the member, but refuse entry', 'suspended'),
  standing('activate <id>', 'admit a suspended member again', 'active'),
  {
    usage: 'rename <id> <name>',
    description: 'change the name',
    work: (store, [id = '', name = '']) => changedReport(store.members.update(checkMemberId(id), { name })),
  },
  {
    usage: 'set <id>',
    description: 'set groups, validity and duress ids; options that are not given do not change',
    options: withFields,
    work: (store, [id = ''], options) => changedReport(store.members.update(checkMemberId(id), fieldsOf(options))),
  },
  {
    usage: 'consent <id>',
    description: 'record that a member gave consent',
    options: withConsent,
    work: (store, [id = ''], options) => {
      const consent = consentOf(options, Date.now());
      return changedReport(store.members.update(checkMemberId(id), consent === null ? {} : { consent }));
    },
  },
  {
    usage: 'adapted [id]',
    description: 'list the templates that doors took from accepted faces (adaptTemplates)',
    readonly: true,
    work: (store, [id]) => adaptedReport(store.templates.adapted(id === undefined ? null : knownId(store, id))),
  },
  {
    usage: 'forget-adapted [id]',
    description: 'delete these templates of a member, or of all members with --all; enrolled templates stay',
    options: (command) => withBy(command).option('--all', 'for all members'),
    work: (store, [id], { by, all }) => {
      if ((id === undefined) !== (all === true))
        throw new UsherError('usage', 'name one member, or give --all', { remedy: 'See `usher members adapted`.' });
      const member = id === undefined ? null : knownId(store, id);
      return forgottenReport(store.templates.forgetAdapted(member, actor(by)));
    },
  },
  {
    usage: 'accept',
    description:
      'accept a restored backup of the members’ data: members who were deleted since stay deleted, members who were ' +
      'changed since are suspended',
    options: withBy,
    work: (store, _, { by }) => acceptedReport(store.contradiction, store.acceptRestore(actor(by))),
  },
  {
    usage: 'receipts',
    description: 'list the deletions; --json prints the signed receipts',
    readonly: true,
    work: (store) => receiptsReport(store.receipts.list()),
  },
];

/** `usher members …`: manages the enrolled members. A running daemon applies changes by itself. */
export function membersCommand(): Command {
  const command = new Command('members').description(
    'list, show, change, suspend, remove, check, repair, export and import members',
  );
  for (const { usage, description, readonly = false, options, work } of SUBS) {
    const sub = withInstallationOptions(command.command(usage)).description(description);
    options?.(sub);
    sub.option('--json', 'write JSON').action(async () => {
      const given = sub.opts<Options>();
      const store = openStore(await storeLocation(given), { readonly });
      try {
        tell(work(store, sub.args, given), given);
      } finally {
        store.close();
      }
    });
  }
  addTransferCommands(command);
  addCheckCommands(command, tell);
  addEncodeCommand(command);
  return command;
}

function knownId(store: Store, id: string): string {
  return store.members.require(checkMemberId(id));
}

/** Null for a member who cannot be read: a member with damaged data can be deleted too. */
function nameOf(store: Store, id: string): string | null {
  try {
    return store.members.get(id).name;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** Prints a report: its text, or its JSON with `--json`. */
export function tell({ json, text }: Report, options: { readonly json?: boolean }): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : `${text}\n`);
}

function deletion(usage: string, description: string, reason: DeletionReason): Sub {
  return {
    usage,
    description,
    options: withBy,
    work: (store, [id = ''], { by }) => {
      const known = knownId(store, id);
      const name = nameOf(store, known);
      return removedReport(known, name, store.members.remove(known, { by: actor(by), reason }));
    },
  };
}

function standing(usage: string, description: string, status: 'active' | 'suspended'): Sub {
  return {
    usage,
    description,
    work: (store, [id = '']) => changedReport(store.members.update(checkMemberId(id), { status })),
  };
}

function fieldsOf({ group, validFrom, validUntil, duressId }: Options): MemberFields {
  const listed = (values: readonly string[] | undefined) => values?.filter((value) => value !== 'none');
  const time = (value: number | 'none' | undefined) => (value === 'none' ? null : value);
  return {
    groups: listed(group),
    validFrom: time(validFrom),
    validUntil: time(validUntil),
    duressIds: listed(duressId),
  };
}
