import { Command } from 'commander';
import type { Retention } from '../../store/retention/retention';
import { holdOf, SWEEP_LIMITS, type SweepState } from '../../store/retention/sweep';
import { sweepTrouble } from '../../store/retention/sweep-text';
import { type InstallationOptions, withInstallationOptions } from '../../terminal/installation';
import { actor } from '../../terminal/members-options';
import { withRetention } from './open-retention';

interface Options extends InstallationOptions {
  readonly by?: string;
  readonly json?: boolean;
}

/** `usher retention …`: controls deletion by age. */
export function retentionCommand(): Command {
  const command = new Command('retention').description('control what is deleted because of its age, and when');
  add(command, 'show', 'show what is marked for deletion, and why nothing is deleted at present', ({ state }) =>
    showing(state),
  );
  add(
    command,
    'confirm',
    'allow the deletion of everything that is marked, even if it is more than the usual share',
    (retention, by) => {
      const { members, records } = retention.confirm(by);
      return {
        json: { confirmed: { members, records } },
        text: `${members} members and ${records} records of the journal will be deleted at the end of their grace period`,
      };
    },
  );
  add(command, 'stop', 'stop deletion by age until `resume`', (retention, by) => {
    retention.stop(by);
    return { json: { stopped: true }, text: 'nothing is deleted by age until `usher retention resume`' };
  });
  add(command, 'resume', 'start deletion by age again; old data is marked first', (retention, by) => {
    retention.resume(by);
    return { json: { stopped: false }, text: 'old data is marked, and deleted after its grace period' };
  });
  return command;
}

interface Answer {
  readonly json: object;
  readonly text: string;
}

function add(command: Command, name: string, description: string, work: (retention: Retention, by: string) => Answer) {
  withInstallationOptions(command.command(name))
    .description(description)
    .option('--by <who>', 'who decided it, for the journal (default: the account that runs this)')
    .option('--json', 'write JSON')
    .action(async (options: Options) => {
      const { json, text } = await withRetention(options, (retention) => work(retention, actor(options.by)));
      process.stdout.write(`${options.json === true ? JSON.stringify(json) : text}\n`);
    });
}

function showing(state: SweepState): Answer {
  const hold = holdOf(state);
  const trouble = sweepTrouble(state);
  const from = (at: number, graceMs: number): string => new Date(at + graceMs).toISOString().slice(0, 10);
  const members = state.members.map(({ id, reason, at, confirmed }) => ({
    id,
    reason,
    confirmed,
    from: from(at, SWEEP_LIMITS.membersGraceMs),
  }));
  const { journal } = state;
  const records =
    journal === null
      ? null
      : { upTo: journal.upTo, count: journal.count, from: from(journal.at, SWEEP_LIMITS.journalGraceMs) };
  const lines = [
    ...members.map(({ id, reason, from }) => `${id}: ${reason}, will be deleted from ${from} on`),
    ...(records === null ? [] : [`${records.count} records of the journal: will be deleted from ${records.from} on`]),
    ...(members.length === 0 && records === null ? ['nothing is marked for deletion'] : []),
    ...(hold === 'unsteady' ? ['waiting until the clock was steady for one day of running'] : []),
    ...(trouble === null ? [] : [trouble.detail, `  → ${trouble.remedy}`]),
  ];
  return { json: { hold, held: state.held, members, records }, text: lines.join('\n') };
}
