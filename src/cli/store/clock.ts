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
  const command = new Command('clock').description('the clock of this box, after it was wrong');
  withInstallationOptions(command.command('accept'))
    .argument('<date>', 'the date of today from a calendar, like 2026-05-31; the clock must show the same date')
    .description(
      'confirm that the clock is right: a later time that usher remembers is forgotten, and deletion by age trusts ' +
        'this date once it has been steady for a day',
    )
    .option('--by <who>', 'who says so, for the journal (default: the account that runs this)')
    .option('--json', 'write JSON')
    .action(async (date: string, options: Options) => {
      const now = requireToday(date);
      const before = await withRetention(options, (retention, dataDir) => {
        const floor = readClockFloor(dataDir);
        // On record first: what protected the box does not go without a trace.
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

/** The date is asked for, so that a wrong clock is not accepted by habit. @returns epoch ms */
function requireToday(date: string): number {
  const now = new Date();
  const utc = now.toISOString().slice(0, 10);
  const local = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short' }).format(now);
  if (date !== utc && date !== local)
    throw new UsherError('usage', `the clock of this machine says ${now.toISOString()}, not ${date.slice(0, 40)}`, {
      remedy: 'Set the clock first (timedatectl set-time), or give the date of today like 2026-05-31.',
    });
  return now.getTime();
}
