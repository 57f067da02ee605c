import type { Command } from 'commander';
import { checkMembers, type MemberProblem, repairMembers, type Repaired } from '../../access/members/members-check';
import type { EncoderFacts } from '../../access/members/thresholds';
import { openStore } from '../../daemon/store/open-store';
import { installedModels } from '../../fleet/update/installed';
import { chooseModels, readEncoderCard } from '../../vision/faces/load';
import {
  type InstallationOptions,
  loadInstallation,
  storeLocation,
  withInstallationOptions,
} from '../../terminal/installation';
import { actor } from '../../terminal/members-options';
import type { Report } from './report';

interface Options extends InstallationOptions {
  readonly json?: boolean;
  readonly by?: string;
  readonly yes?: boolean;
}

/** `usher members check` and `repair`: find and delete stored member data that differs from what usher wrote. */
export function addCheckCommands(command: Command, tell: (report: Report, options: Options) => void): void {
  withInstallationOptions(command.command('check'))
    .description('read all stored data of every member and report what is damaged; exit code 1 if something is')
    .option('--json', 'write JSON')
    .action(async (options: Options) => {
      const store = openStore(await storeLocation(options), { readonly: true });
      try {
        const file = store.check.integrity();
        const problems = checkMembers(store, await encoderOf(options));
        tell(checkReport(store.members.ids().length, file, problems), options);
        if (file.length + problems.length > 0) process.exitCode = 1;
      } finally {
        store.close();
      }
    });
  withInstallationOptions(command.command('repair'))
    .description('delete what `members check` finds damaged, and list who must be enrolled again')
    .option('--yes', 'delete; without this option the command only lists')
    .option('--by <who>', 'who decided it, for the record (default: the account that runs this)')
    .option('--json', 'write JSON')
    .action(async (options: Options) => {
      const store = openStore(await storeLocation(options), { readonly: options.yes !== true });
      try {
        const encoder = await encoderOf(options);
        const problems = checkMembers(store, encoder);
        if (options.yes === true)
          tell(repairReport(repairMembers(store, problems, encoder, actor(options.by))), options);
        else {
          tell(plannedReport(problems), options);
          if (problems.length > 0) process.exitCode = 1;
        }
      } finally {
        store.close();
      }
    });
}

/** Null if only a data folder is named or no model is installed. The shape of vectors is then unknown. */
async function encoderOf(options: Options): Promise<EncoderFacts | null> {
  if (options.config === undefined && options.data !== undefined) return null;
  const { modelsDir, dataDir, config } = await loadInstallation(options);
  try {
    const { encoder } = await chooseModels(modelsDir, { ...config.models, ...(await installedModels(dataDir)) });
    return (await readEncoderCard(modelsDir, encoder)).output;
  } catch {
    return null;
  }
}

const lineOf = ({ member, fault }: MemberProblem): string => `${member}: ${fault}`;

function checkReport(members: number, file: readonly string[], problems: readonly MemberProblem[]): Report {
  const sound = file.length + problems.length === 0;
  return {
    json: { members, file, problems },
    text: [
      ...file.map((line) => `the file: ${line}`),
      ...problems.map(lineOf),
      sound
        ? `${members} members, nothing is damaged`
        : `${file.length + problems.length} problems, ${members} members; to delete them: usher members repair`,
    ].join('\n'),
  };
}

function plannedReport(problems: readonly MemberProblem[]): Report {
  const text = {
    member: 'would be deleted, with a receipt, and must be enrolled again',
    template: 'would be deleted',
    orphan: 'would be deleted',
  };
  return {
    json: { problems, changed: false },
    text:
      problems.length === 0
        ? 'nothing is damaged'
        : [
            ...problems.map((problem) => `${lineOf(problem)} (${text[problem.what]})`),
            'Nothing was changed. Restore a backup from before the damage if there is one; otherwise add --yes.',
          ].join('\n'),
  };
}

function repairReport({ templates, members, orphans, enrolAgain }: Repaired): Report {
  return {
    json: { templates: Object.fromEntries(templates), members, orphans, enrolAgain, changed: true },
    text: [
      ...[...templates].map(
        ([member, count]) => `${member}: ${count} ${count === 1 ? 'template' : 'templates'} deleted`,
      ),
      ...members.map((member) => `${member}: deleted, with a receipt (usher members receipts)`),
      ...(orphans === 0 ? [] : [`${orphans} kinds of rows without a member deleted`]),
      enrolAgain.length === 0 ? 'no member has to be enrolled again' : `enrol again: ${enrolAgain.join(', ')}`,
    ].join('\n'),
  };
}
