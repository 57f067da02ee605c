import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf, UsherError } from '../errors';
import { carry } from '../fleet/manager/carry';
import { desiredTopic } from '../fleet/manager/desired';
import { FleetFolder } from '../fleet/manager/fleet-folder';
import { type Desired, type OfferScope, WHOLE_FLEET } from '../fleet/release';
import { Guest, type GuestOptions } from '../mqtt/link/guest';
import { loadInstallation } from './installation';
import { createProgress } from './progress';
import { holdDaemonLock } from '../store/daemon-lock';

/** Options of the commands that sign: the fleet's folder, the passphrase of its keys, the broker to publish on. */
export interface FleetOptions {
  readonly fleet: string;
  readonly passphraseFile?: string;
  readonly keys?: string[];
  readonly json?: boolean;
  readonly config?: string;
  readonly broker?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
  /** False with `--no-carry`. */
  readonly carry?: boolean;
}

/** Adds `--fleet` and `--passphrase-file` to a command. */
export function withFleetFolder(command: Command): Command {
  return command
    .option('--fleet <dir>', "the fleet's folder, made by `usher fleet init`", 'fleet')
    .option('--passphrase-file <file>', 'file whose first line is the passphrase of the keys')
    .option('--json', 'write JSON');
}

/** Adds the options that name a broker to a command. */
export function withFleetBroker(command: Command): Command {
  return command
    .option('--broker <url>', 'broker that the boxes use; without one nothing is published')
    .option('-c, --config <file>', 'instead of --broker: configuration of a box that uses it')
    .option('--username <name>', 'with --broker: user name')
    .option('--password-file <file>', 'with --broker: file with the password')
    .option('--ca <file>', 'with --broker: PEM file of the certificate authority')
    .option('--cert <file>', 'with --broker: PEM client certificate')
    .option('--cert-key <file>', 'with --broker: PEM key of the certificate');
}

/** Adds `--no-carry` to a command. */
export function withCarry(command: Command): Command {
  return command.option('--no-carry', 'publish only the offers; a web server has the files');
}

/** @throws UsherError `usage`, `file-unreadable` */
export function openFleet(options: FleetOptions): FleetFolder {
  return FleetFolder.open(options.fleet, {
    passphrase: passphraseOf(options.passphraseFile),
    keyFolders: options.keys ?? [],
  });
}

/**
 * Runs `work` under the fleet's lock: two commands at once would sign two successors of one state.
 * @throws UsherError `store-locked`
 */
export async function alone<T>({ fleet }: FleetOptions, work: () => Promise<T>): Promise<T> {
  const lock = holdDaemonLock(fleet);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** @returns the first line of the file; null without a file @throws UsherError `file-unreadable`, `usage` */
export function passphraseOf(file: string | undefined): string | null {
  if (file === undefined) return null;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsherError('file-unreadable', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line.length < 8)
    throw new UsherError('usage', `${file}: the first line must be a passphrase of at least 8 characters`);
  return line;
}

/** @returns how to connect to the broker; null if none was named */
export async function fleetBroker(options: FleetOptions): Promise<GuestOptions | null> {
  if (options.broker !== undefined) {
    const { broker, username, passwordFile, ca: caFile, cert: certFile, certKey: keyFile } = options;
    return { url: broker, username, passwordFile, caFile, certFile, keyFile, named: 'options' };
  }
  if (options.config === undefined) return null;
  const { broker } = (await loadInstallation({ config: options.config })).config.mqtt;
  return broker.type === 'external' ? broker : { url: `mqtt://127.0.0.1:${broker.port}` };
}

/** Publishes offers and, unless a web server has them, the repository's files. @returns false if no broker was named */
export async function tell(fleet: FleetFolder, offers: readonly Desired[], options: FleetOptions): Promise<boolean> {
  const broker = await fleetBroker(options);
  if (broker === null) return false;
  const guest = await Guest.connect(broker);
  const progress = createProgress();
  try {
    // The files first: a box looks for them as soon as it receives the offer.
    if (options.carry !== false)
      await carry(
        fleet,
        { retain: (topic, payload) => guest.retain(topic, payload) },
        broker.url,
        ({ file, done, total }) => progress.update(`publishing ${file}`, total === 0 ? 1 : done / total),
      );
    for (const desired of offers) await guest.retain(desiredTopic(desired.scope), JSON.stringify(desired));
  } finally {
    progress.done();
    await guest.close();
  }
  return true;
}

/** Parses `all`, `group:NAME` or `SITE/DEVICE`. @throws UsherError `usage` */
export function scopeOf(text: string): OfferScope {
  const name = /^[a-z0-9][a-z0-9_-]{0,62}$/;
  if (text === WHOLE_FLEET) return { kind: 'group', group: WHOLE_FLEET };
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined && name.test(group)) return { kind: 'group', group };
  const [site, device, ...rest] = text.split('/');
  if (rest.length === 0 && site !== undefined && device !== undefined && name.test(site) && name.test(device))
    return { kind: 'device', site, device };
  throw new UsherError('usage', `"${text}" does not name boxes`, { remedy: 'Give all, group:NAME or SITE/DEVICE.' });
}

/** The inverse of `scopeOf`, as a person reads it. */
export function scopeText(scope: OfferScope): string {
  if (scope.kind === 'device') return `${scope.site}/${scope.device}`;
  return scope.group === WHOLE_FLEET ? 'the whole fleet' : `group ${scope.group}`;
}

/** Parses `5%,25%,100%`. @returns hundredths of a percent, ascending @throws UsherError `usage` */
export function stagesOf(text: string): number[] {
  const stages = text.split(',').map((part) => {
    const percent = Number(/^\s*(\d{1,3}(?:\.\d{1,2})?)\s*%?\s*$/.exec(part)?.[1] ?? NaN);
    return Math.round(percent * 100);
  });
  const ascending = stages.every((stage, at) => stage > (stages[at - 1] ?? 0) && stage <= 10_000);
  if (!ascending || stages.length > 16)
    throw new UsherError('usage', `--rollout takes ascending percentages like 5%,25%,100%, not "${text}"`);
  return stages;
}
