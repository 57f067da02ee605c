import { Command } from 'commander';
import { UsherError } from '../../errors';
import { Guest } from '../../mqtt/link/guest';
import { untilStopped } from '../../system/signals';
import { type FleetOptions, withFleetBroker } from '../../terminal/fleet-options';
import { requireBroker } from './status';

interface Options extends Omit<FleetOptions, 'fleet'> {
  readonly site: string;
  readonly device: string;
  readonly share?: string;
}

/** Unlocks are for the lock alone; a manager has no business to hear them. */
const KINDS = ['decision', 'alarm', 'activation'] as const;
const NAME = /^([a-z0-9][a-z0-9_-]{0,62}|\+)$/;
const SHARE = /^[A-Za-z0-9_-]{1,64}$/;
const LONGEST = 4096;

export function fleetEventsCommand(): Command {
  return withFleetBroker(new Command('events'))
    .description('what the boxes decide and hear, a line each, until it is stopped')
    .option('--site <site>', 'of this site alone', '+')
    .option('--device <device>', 'of this box alone', '+')
    .option('--share <group>', 'share the stream with all that give the same name: each event comes to one of them')
    .option('--json', 'write JSON, a line each')
    .action(follow);
}

async function follow(options: Options): Promise<void> {
  const { site, device, share, json = false } = options;
  if (!NAME.test(site) || !NAME.test(device))
    throw new UsherError('usage', 'a site or a device is named by its identifier');
  if (share !== undefined && !SHARE.test(share))
    throw new UsherError('usage', '--share takes letters, digits, - and _');
  const broker = await requireBroker(options);
  const guest = await Guest.connect(broker, ({ topic, payload, retain }) => {
    // A copy that was kept is no news.
    if (retain || payload.length > LONGEST) return;
    process.stdout.write(
      `${json ? asJson(topic, payload) : `${topic.replace(/^usher\/v1\//, '')} ${oneLine(payload)}`}\n`,
    );
  });
  try {
    // MQTT 5's form, which brokers understand from MQTT 3.1.1 clients too (mosquitto, EMQX, HiveMQ, VerneMQ).
    const prefix = share === undefined ? '' : `$share/${share}/`;
    for (const kind of KINDS) await guest.subscribe(`${prefix}usher/v1/${site}/${device}/event/+/${kind}`);
    await untilStopped();
  } finally {
    await guest.close();
  }
}

function asJson(topic: string, payload: Uint8Array): string {
  try {
    return JSON.stringify({ topic, payload: JSON.parse(Buffer.from(payload).toString('utf8')) as unknown });
  } catch {
    return JSON.stringify({ topic, payload: null });
  }
}

function oneLine(payload: Uint8Array): string {
  return Buffer.from(payload)
    .toString('utf8')
    .replace(/[\u0000-\u001f\u007f]+/g, ' ');
}
