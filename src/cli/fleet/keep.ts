import { Command } from 'commander';
import { UsherError } from '../../errors';
import { allDesired, writeDesired } from '../../fleet/manager/desired';
import { FleetFolder } from '../../fleet/manager/fleet-folder';
import { KEY_ROLES } from '../../fleet/manager/keys';
import { releasesOf, withdraw } from '../../fleet/manager/publish';
import type { Desired, Offer } from '../../fleet/release';
import {
  alone,
  type FleetOptions,
  openFleet,
  passphraseOf,
  scopeText,
  tell,
  withCarry,
  withFleetBroker,
  withFleetFolder,
} from '../../terminal/fleet-options';

interface InitOptions {
  readonly rootKeys: string;
  readonly threshold?: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** `usher fleet init DIR` */
export function fleetInitCommand(): Command {
  return new Command('init')
    .description('make keys and an empty, signed repository')
    .argument('<dir>', 'a folder that holds no fleet yet')
    .option('--root-keys <number>', 'root keys to make', '2')
    .option('--threshold <number>', 'how many of them must sign a new root (default: all)')
    .option('--passphrase-file <file>', 'file whose first line locks the keys')
    .option('--json', 'write JSON')
    .action((dir: string, options: InitOptions) => {
      const rootKeys = countOf(options.rootKeys, '--root-keys');
      const rootThreshold = options.threshold === undefined ? rootKeys : countOf(options.threshold, '--threshold');
      const passphrase = passphraseOf(options.passphraseFile);
      const fleet = FleetFolder.init(dir, { rootKeys, rootThreshold, passphrase, now: Date.now() });
      const report = {
        dir,
        root: `${dir}/root.json`,
        rootKeys,
        rootThreshold,
        rootDaysLeft: fleet.rootDaysLeft(Date.now()),
      };
      const text = [
        `${dir}/root.json     for every box: fleet.root of its configuration`,
        `${dir}/repository    what a web server hands out; or \`usher fleet carry\` puts it onto the broker`,
        `${dir}/keys/root-*   into the safe, each on a medium of its own; nothing but \`usher fleet rotate\` needs them`,
        `${dir}/keys          targets-1 signs releases, online-1 freshness and offers: \`usher fleet refresh\` at least weekly`,
      ];
      process.stdout.write(`${options.json === true ? JSON.stringify(report) : text.join('\n')}\n`);
    });
}

/** `usher fleet refresh` */
export function fleetRefreshCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('refresh'))))
    .description('sign freshness anew, and the offers too; run it daily (a timer), at least weekly')
    .action(async (options: FleetOptions) => {
      await alone(options, async () => {
        const fleet = openFleet(options);
        const now = Date.now();
        fleet.refresh(now);
        const offers = allDesired(fleet).map(({ scope }) => writeDesired(fleet, scope, (same) => same, now));
        const offered = await tell(fleet, offers, options);
        const rootDaysLeft = fleet.rootDaysLeft(now);
        const warning = rootDaysLeft < 90 ? `; the root expires in ${rootDaysLeft} days: usher fleet rotate none` : '';
        print(
          options,
          { offered, offers: offers.length, rootDaysLeft },
          `signed anew${offered ? ' and told' : ''}${warning}`,
        );
      });
    });
}

/** `usher fleet carry` */
export function fleetCarryCommand(): Command {
  return withFleetBroker(withFleetFolder(new Command('carry')))
    .description('put the repository and the offers onto a broker, for boxes that have nothing but MQTT')
    .action(async (options: FleetOptions) => {
      if (options.broker === undefined && options.config === undefined)
        throw new UsherError('usage', 'which broker?', { remedy: 'Name it: --broker mqtts://… (or --config FILE).' });
      await alone(options, async () => {
        const fleet = openFleet(options);
        const offers = allDesired(fleet);
        await tell(fleet, offers, options);
        print(options, { offers: offers.length }, `the repository and ${offers.length} offers are on the broker`);
      });
    });
}

/** `usher fleet revoke RELEASE` */
export function fleetRevokeCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('revoke'))))
    .description('take a release back: nobody begins it, and boxes that run it go back to what they had before')
    .argument('<release>', 'its identifier; `usher fleet releases` lists them')
    .option('--reason <text>', 'why, for people', 'revoked by the fleet')
    .action(async (id: string, options: FleetOptions & { readonly reason: string }) => {
      await alone(options, async () => {
        const fleet = openFleet(options);
        const now = Date.now();
        withdraw(fleet, id, now);
        const stop = (offer: Offer): Offer =>
          offer.release === id
            ? { ...offer, rollout: { ...offer.rollout, state: 'aborted', why: options.reason.slice(0, 256) } }
            : offer;
        const stopped: Desired[] = allDesired(fleet)
          .filter(({ offers }) => offers.some((offer) => offer.release === id))
          .map(({ scope }) => writeDesired(fleet, scope, (offers) => offers.map(stop), now));
        const offered = await tell(fleet, stopped, options);
        const whom = stopped.map(({ scope }) => scopeText(scope));
        print(
          options,
          { release: id, stopped: whom, offered },
          `${id} is revoked${offered ? '' : ', but no broker was told'}`,
        );
      });
    });
}

/** `usher fleet rotate WHICH` */
export function fleetRotateCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('rotate'))))
    .description('new keys for a role, by a new root; "none" only makes the root live longer')
    .argument('<role>', `${KEY_ROLES.join(', ')} or none`)
    .option('--keys <dir...>', 'folders in which root keys lie, beside the fleet’s own')
    .action(async (text: string, options: FleetOptions) => {
      const role = KEY_ROLES.find((one) => one === text) ?? null;
      if (role === null && text !== 'none')
        throw new UsherError('usage', `"${text}" is no role`, { remedy: `One of ${KEY_ROLES.join(', ')}, none.` });
      await alone(options, async () => {
        const fleet = openFleet(options);
        const now = Date.now();
        const { version, made } = fleet.rotate(role, now);
        // Under other keys, boxes look at the offers anew.
        const offers =
          role === 'online'
            ? allDesired(fleet).map(({ scope }) => writeDesired(fleet, scope, (same) => same, now))
            : [];
        const offered = await tell(fleet, offers, options);
        print(
          options,
          { version, made, offered },
          `root ${version} is signed${made.length > 0 ? `; new: ${made.join(', ')}` : ''}`,
        );
      });
    });
}

/** `usher fleet releases` */
export function fleetReleasesCommand(): Command {
  return withFleetFolder(new Command('releases'))
    .description('what the fleet has released, the newest first')
    .option('--channel <name>', 'of one channel alone')
    .action((options: FleetOptions & { readonly channel?: string }) => {
      const fleet = openFleet(options);
      const { withdrawn } = fleet.targets;
      const releases = releasesOf(fleet, options.channel).map(({ id, channel, serial, version }) => ({
        release: id,
        channel,
        serial,
        version,
        revoked: withdrawn.includes(id),
      }));
      const lines = releases.map(
        (one) => `${one.release}  ${one.channel}  ${one.version}${one.revoked ? '  revoked' : ''}`,
      );
      print(options, { releases }, lines.length === 0 ? 'nothing is released yet' : lines.join('\n'));
    });
}

function print({ json }: { readonly json?: boolean }, report: object, text: string): void {
  process.stdout.write(`${json === true ? JSON.stringify(report) : text}\n`);
}

function countOf(text: string, option: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 16) return count;
  throw new UsherError('usage', `${option} takes 1 to 16, not "${text}"`);
}
