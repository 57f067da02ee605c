import type { Command } from 'commander';
import { loadInstallation } from './installation';
import type { GuestOptions } from '../mqtt/link/guest';
import type { TopicBase } from '../mqtt/topics/topic-names';
import { UsherError } from '../errors';
import { defaultConfigText } from '../system/paths';

/** How a tool reaches a box over MQTT: by the box's configuration, or by these options. */
export interface BrokerOptions {
  readonly config?: string;
  readonly broker?: string;
  readonly site?: string;
  readonly device?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
}

/** Adds the options of `BrokerOptions` to a command. */
export function withBrokerOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', `configuration of the box (default: ${defaultConfigText()})`)
    .option('--broker <url>', 'address of the broker, if the command does not run on the box')
    .option('--site <id>', 'with --broker: site of the box')
    .option('--device <id>', 'with --broker: id of the box')
    .option('--username <name>', 'with --broker: user name')
    .option('--password-file <file>', 'with --broker: file with the password')
    .option('--ca <file>', 'with --broker: PEM file of the certificate authority')
    .option('--cert <file>', 'with --broker: PEM client certificate')
    .option('--cert-key <file>', 'with --broker: PEM key of the certificate');
}

/** @throws UsherError `usage`, and what `loadConfig` throws */
export async function reachBox(
  options: BrokerOptions,
): Promise<{ readonly base: TopicBase; readonly guest: GuestOptions }> {
  const { broker, site, device } = options;
  if (broker !== undefined) {
    if (site === undefined || device === undefined)
      throw new UsherError('usage', '--broker also needs --site and --device, to name the box');
    const { username, passwordFile, ca: caFile, cert: certFile, certKey: keyFile } = options;
    return {
      base: { site, device, discoveryPrefix: 'homeassistant' },
      guest: { url: broker, username, passwordFile, caFile, certFile, keyFile, named: 'options' },
    };
  }
  const { config } = await loadInstallation(options);
  const { mqtt } = config;
  return {
    base: { site: config.device.site, device: config.device.id, discoveryPrefix: mqtt.discoveryPrefix },
    guest: mqtt.broker.type === 'external' ? mqtt.broker : { url: `mqtt://127.0.0.1:${mqtt.broker.port}` },
  };
}
