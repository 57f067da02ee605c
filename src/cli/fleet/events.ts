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

/** Without unlocks: they are for the lock alone, and a manager does not need them. */
const KINDS = ['decision', 'alarm', 'activation'] as const;
const NAME = /^([a-z0-9][a-z0-9_-]{0,62}|\+)$/;
const SHARE = /^[A-Za-z0-9_-]{1,64}$/;
const LONGEST = 4096;

export function fleetEventsCommand(): Command {
  return withFleetBroker(new Command('events'))
    .description('print decisions, alarms and activations of the boxes, one line each, until you stop it')
    .option('--site <site>', 'only of this site', '+')
    .option('--device <device>', 'only of this box', '+')
    .option(
      '--share <group>',
      'share the stream with all clients that give the same name; each event goes to one of them',
    )
    .option('--json', 'write JSON, one object a line')
    .action(follow);
}

async function follow(options: Options): Promise<void> {
  const { site, device, share, json = false } = options;
  if (!NAME.test(site) || !NAME.test(device))
    throw new UsherError('usage', 'a site or device needs a valid identifier: letters, digits, - and _');
  if (share !== undefined && !SHARE.test(share))
    throw new UsherError('usage', 'a name for --share has letters, digits, - and _');
  const broker = await requireBroker(options);
  const guest = await Guest.connect(broker, ({ topic, payload, retain }) => {
    // A retained copy is old.
    if (retain || payload.length > LONGEST) return;
    process.stdout.write(
      `${json ? asJson(topic, payload) : `${topic.replace(/^usher\/v1\//, '')} ${oneLine(payload)}`}\n`,
    );
  });
  try {
    // The form of MQTT 5. Brokers also accept it from MQTT 3.1.1 clients (mosquitto, EMQX, HiveMQ, VerneMQ).
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
