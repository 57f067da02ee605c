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

/** `usher fleet init DIR`: makes the keys and an empty, signed repository. */
export function fleetInitCommand(): Command {
  return new Command('init')
    .description('make keys and an empty, signed repository')
    .argument('<dir>', 'a new or empty folder')
    .option('--root-keys <number>', 'number of root keys to make', '2')
    .option('--threshold <number>', 'how many of them must sign a new root (default: all)')
    .option('--passphrase-file <file>', 'file whose first line is the passphrase that encrypts the keys')
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
        `${dir}/root.json     copy it to every box: its configuration names it as fleet.root`,
        `${dir}/repository    a web server serves it, or \`usher fleet carry\` puts it onto the broker`,
        `${dir}/keys/root-*   move them into a safe, each on its own medium; only \`usher fleet rotate\` needs them`,
        `${dir}/keys          targets-1 signs releases, online-1 signs freshness and offers; run \`usher fleet refresh\` at least weekly`,
      ];
      process.stdout.write(`${options.json === true ? JSON.stringify(report) : text.join('\n')}\n`);
    });
}

/** `usher fleet refresh`: signs freshness and offers again before they expire. */
export function fleetRefreshCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('refresh'))))
    .description('sign freshness and offers again; run it from a timer, daily or at least weekly')
    .action(async (options: FleetOptions) => {
      await alone(options, async () => {
        const fleet = openFleet(options);
        const now = Date.now();
        fleet.refresh(now);
        const offers = allDesired(fleet).map(({ scope }) => writeDesired(fleet, scope, (same) => same, now));
        const offered = await tell(fleet, offers, options);
        const rootDaysLeft = fleet.rootDaysLeft(now);
        const warning =
          rootDaysLeft < 90 ? `; the root expires in ${rootDaysLeft} days; renew it with usher fleet rotate none` : '';
        print(
          options,
          { offered, offers: offers.length, rootDaysLeft },
          `signed again${offered ? ' and published' : ''}${warning}`,
        );
      });
    });
}

/** `usher fleet carry`: publishes repository and offers. */
export function fleetCarryCommand(): Command {
  return withFleetBroker(withFleetFolder(new Command('carry')))
    .description('publish the repository and the offers on a broker, for boxes that reach only MQTT')
    .action(async (options: FleetOptions) => {
      if (options.broker === undefined && options.config === undefined)
        throw new UsherError('usage', 'no broker is named', {
          remedy: 'Name it with --broker mqtts://… or --config FILE.',
        });
      await alone(options, async () => {
        const fleet = openFleet(options);
        const offers = allDesired(fleet);
        await tell(fleet, offers, options);
        print(options, { offers: offers.length }, `the repository and ${offers.length} offers are on the broker`);
      });
    });
}

/** `usher fleet revoke RELEASE`: withdraws a release everywhere. */
export function fleetRevokeCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('revoke'))))
    .description('withdraw a release: no box starts it, and boxes that run it return to the version before')
    .argument('<release>', 'identifier of the release; `usher fleet releases` lists them')
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
          `${id} is revoked${offered ? '' : ', but no broker was named, so nothing was published'}`,
        );
      });
    });
}

/** `usher fleet rotate WHICH`: replaces keys of a role. */
export function fleetRotateCommand(): Command {
  return withCarry(withFleetBroker(withFleetFolder(new Command('rotate'))))
    .description('make new keys for a role and sign a new root; "none" only extends the life of the root')
    .argument('<role>', `${KEY_ROLES.join(', ')} or none`)
    .option('--keys <dir...>', 'folders that hold root keys, in addition to the fleet’s own')
    .action(async (text: string, options: FleetOptions) => {
      const role = KEY_ROLES.find((one) => one === text) ?? null;
      if (role === null && text !== 'none')
        throw new UsherError('usage', `"${text}" is not a role`, {
          remedy: `Use one of ${KEY_ROLES.join(', ')}, none.`,
        });
      await alone(options, async () => {
        const fleet = openFleet(options);
        const now = Date.now();
        const { version, made } = fleet.rotate(role, now);
        // Boxes check the offers again once the keys have changed.
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

/** `usher fleet releases`: lists the releases. */
export function fleetReleasesCommand(): Command {
  return withFleetFolder(new Command('releases'))
    .description('list the releases of the fleet, newest first')
    .option('--channel <name>', 'only of this channel')
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
      print(options, { releases }, lines.length === 0 ? 'the fleet has no release yet' : lines.join('\n'));
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
