import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../../errors';
import { openView } from '../../fleet/manager/open-view';
import type { BoxView, FleetView, ReportedChannel } from '../../fleet/manager/view';
import type { GuestOptions } from '../../mqtt/link/guest';
import { fleetBroker, type FleetOptions, withFleetBroker } from '../../terminal/fleet-options';
import { untilStopped } from '../../system/signals';
import { tableLines } from '../../terminal/table';

interface Options extends Omit<FleetOptions, 'fleet'> {
  readonly channel?: string;
  readonly state?: string;
  readonly site?: string;
  readonly release?: string;
  readonly watch?: boolean;
}

interface Row {
  readonly box: BoxView;
  readonly channel: ReportedChannel | null;
}

const REDRAW_MS = 1000;
const ROWS = 200;

export function fleetStatusCommand(): Command {
  return withFleetBroker(new Command('status'))
    .description('show what runs on every box and the progress of updates')
    .option('--channel <name>', 'only this channel')
    .option('--state <state>', 'only boxes in this state: offered, probation, committed, rolled-back, refused, …')
    .option('--site <site>', 'only this site')
    .option('--release <id>', 'only boxes that run this release or are updating to it')
    .option('--watch', 'keep running and refresh the table')
    .option('--json', 'write JSON')
    .action(async (options: Options) => {
      const broker = await requireBroker(options);
      const { view, guest } = await openView(broker);
      try {
        if (options.watch !== true) {
          print(rowsOf(view, options), view, options.json === true);
          return;
        }
        const stopped = untilStopped().then(() => true);
        for (let over = false; !over; over = await Promise.race([stopped, delay(REDRAW_MS, false)])) {
          if (options.json !== true) process.stdout.write('\x1b[2J\x1b[H');
          print(rowsOf(view, options), view, options.json === true);
        }
      } finally {
        await guest.close();
      }
    });
}

/** @throws UsherError `usage` where no broker is named */
export async function requireBroker(options: Omit<FleetOptions, 'fleet'>): Promise<GuestOptions> {
  const broker = await fleetBroker({ ...options, fleet: '' });
  if (broker === null) throw new UsherError('usage', 'no broker is named: give --broker URL or --config FILE');
  return broker;
}

function rowsOf(view: FleetView, { channel, state, site, release }: Options): Row[] {
  return view
    .all()
    .filter((box) => site === undefined || box.site === site)
    .flatMap((box): Row[] => (box.reported?.channels ?? [null]).map((one) => ({ box, channel: one })))
    .filter(({ channel: one }) => channel === undefined || one?.channel === channel)
    .filter(({ channel: one }) => state === undefined || one?.state === state)
    .filter(
      ({ channel: one }) =>
        release === undefined || one?.active?.release === release || one?.candidate?.release === release,
    );
}

function print(rows: readonly Row[], view: FleetView, json: boolean): void {
  if (json) {
    const boxes = rows.map(({ box: { site, device, online, seenAt }, channel }) => ({
      site,
      device,
      online,
      seenAt,
      ...channel,
    }));
    process.stdout.write(`${JSON.stringify({ boxes: view.size, ignored: view.ignored, rows: boxes })}\n`);
    return;
  }
  const table = [
    ['box', 'channel', 'runs', 'state', 'in progress', 'progress', 'health', 'last seen', 'why'],
    ...rows.slice(0, ROWS).map(cells),
  ];
  process.stdout.write(`${tableLines(table).join('\n')}\n`);
  const counts = new Map<string, number>();
  for (const { channel } of rows)
    counts.set(channel?.state ?? 'silent', (counts.get(channel?.state ?? 'silent') ?? 0) + 1);
  const more = rows.length > ROWS ? `, ${rows.length - ROWS} more rows not shown` : '';
  const states = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  const offline = view.all().filter(({ online }) => online === false).length;
  const away = offline === 0 ? '' : `; ${offline} of the boxes offline`;
  process.stdout.write(`${view.size} boxes: ${states || 'no box has reported'}${more}${away}\n`);
}

function cells({ box, channel }: Row): string[] {
  const { site, device, online, seenAt } = box;
  const bytes = channel?.bytes ?? null;
  return [
    `${site}/${device}`,
    channel?.channel ?? '-',
    channel?.active?.version ?? '-',
    channel?.state ?? '-',
    channel !== null && channel.candidate !== null && channel.candidate.release !== channel.active?.release
      ? channel.candidate.version
      : '-',
    bytes === null ? '-' : `${Math.floor((100 * bytes.have) / Math.max(1, bytes.total))} %`,
    online === null ? '-' : online ? 'online' : 'offline',
    seenAt === 0 ? '-' : new Date(seenAt).toISOString().slice(0, 19).replace('T', ' '),
    channel?.reason ?? '',
  ];
}
