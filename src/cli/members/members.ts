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
      'belongs to this group, which rules of a door may name; repeat, none: to no group',
      several,
    )
    .option('--valid-from <date>', 'may enter from this day on; none: at once', dateOrNone)
    .option('--valid-until <date>', 'may enter up to the beginning of this day; none: for ever', dateOrNone)
    .option(
      '--duress-id <id>',
      'a further identifier that opens and raises a silent alarm; repeat, none: has no such',
      several,
    );

const withConsent = (command: Command): Command =>
  command
    .requiredOption('--consent-text <version>', 'the version of the text that was agreed to')
    .requiredOption('--consent-by <who>', 'who took the consent');

const SUBS: readonly Sub[] = [
  {
    usage: 'list',
    description: 'all members, by id',
    readonly: true,
    work: (store) => listReport(store.members.survey()),
  },
  {
    usage: 'show <id>',
    description: 'one member with the templates it has',
    readonly: true,
    work: (store, [id = '']) => {
      const member = store.members.get(checkMemberId(id));
      return showReport(member, store.templates.readMember(member.id));
    },
  },
  deletion('remove <id>', 'remove a member and all templates, for good', 'removed'),
  deletion(
    'withdraw <id>',
    'the member has withdrawn consent: remove as above, and say so in the receipt',
    'withdrawal',
  ),
  standing('suspend <id>', 'keep the member, refuse entry', 'suspended'),
  standing('activate <id>', 'let a suspended member in again', 'active'),
  {
    usage: 'rename <id> <name>',
    description: 'correct the name',
    work: (store, [id = '', name = '']) => changedReport(store.members.update(checkMemberId(id), { name })),
  },
  {
    usage: 'set <id>',
    description: 'set groups, validity and duress ids; what is not given stays',
    options: withFields,
    work: (store, [id = ''], options) => changedReport(store.members.update(checkMemberId(id), fieldsOf(options))),
  },
  {
    usage: 'consent <id>',
    description: 'record a consent that was given',
    options: withConsent,
    work: (store, [id = ''], options) => {
      const consent = consentOf(options, Date.now());
      return changedReport(store.members.update(checkMemberId(id), consent === null ? {} : { consent }));
    },
  },
  {
    usage: 'adapted [id]',
    description: 'the templates that doors have taken from accepted faces (adaptTemplates)',
    readonly: true,
    work: (store, [id]) => adaptedReport(store.templates.adapted(id === undefined ? null : knownId(store, id))),
  },
  {
    usage: 'forget-adapted [id]',
    description: 'delete these templates of a member, or with --all of all members; what was enrolled stays',
    options: (command) => withBy(command).option('--all', 'of all members'),
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
      'accept members’ data that was put back on purpose: members who were deleted since stay deleted, members who were ' +
      'changed since are suspended',
    options: withBy,
    work: (store, _, { by }) => acceptedReport(store.contradiction, store.acceptRestore(actor(by))),
  },
  {
    usage: 'receipts',
    description: 'the deletions so far; --json gives the signed receipts',
    readonly: true,
    work: (store) => receiptsReport(store.receipts.list()),
  },
];

/** `usher members …`: who is enrolled. A running daemon takes changes over by itself. */
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

/** Null for a member who cannot be read: that must not keep anybody from being deleted. */
function nameOf(store: Store, id: string): string | null {
  try {
    return store.members.get(id).name;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

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
