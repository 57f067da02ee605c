import { Command } from 'commander';
import { UsherError } from '../../errors';
import { readClockFloor, removeClockFloor } from '../../store/clock/clock-floor';
import { machineBoot, monotonicMs } from '../../system/clock';
import { type InstallationOptions, withInstallationOptions } from '../../terminal/installation';
import { actor } from '../../terminal/members-options';
import { withRetention } from './open-retention';

interface Options extends InstallationOptions {
  readonly by?: string;
  readonly json?: boolean;
}

/** `usher clock …`: for a box whose clock was wrong. */
export function clockCommand(): Command {
  const command = new Command('clock').description(
    'correct what this box remembers of its clock, after the clock was wrong',
  );
  withInstallationOptions(command.command('accept'))
    .argument('<date>', 'the date of today from a calendar, like 2026-05-31; the clock must show the same date')
    .description(
      'confirm that the clock is correct: usher forgets a later time that it remembers, and deletion by age trusts ' +
        'this date once it has been steady for a day',
    )
    .option('--by <who>', 'who confirmed it, for the journal (default: the account that runs this)')
    .option('--json', 'write JSON')
    .action(async (date: string, options: Options) => {
      const now = requireToday(date);
      const before = await withRetention(options, (retention, dataDir) => {
        const floor = readClockFloor(dataDir);
        // Journaled first: a protection must not be removed without a record.
        retention.acceptDate({ boot: machineBoot(), mono: monotonicMs(), wall: now }, actor(options.by));
        if (floor > now) removeClockFloor(dataDir);
        return floor > now ? floor : null;
      });
      const text = before === null ? 'no later time was remembered' : `${new Date(before).toISOString()} is forgotten`;
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ accepted: now, forgotten: before })}\n`
          : `it is ${new Date(now).toISOString()}; ${text}. A running daemon follows.\n`,
      );
    });
  return command;
}

/** Requires the date, so that a person does not confirm a wrong clock by habit. @returns epoch ms */
function requireToday(date: string): number {
  const now = new Date();
  const utc = now.toISOString().slice(0, 10);
  const local = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short' }).format(now);
  if (date !== utc && date !== local)
    throw new UsherError('usage', `the clock of this machine says ${now.toISOString()}, not ${date.slice(0, 40)}`, {
      remedy: 'Set the clock first (timedatectl set-time), or give today’s date like 2026-05-31.',
    });
  return now.getTime();
}
