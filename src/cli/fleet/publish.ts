import { Command } from 'commander';
import path from 'node:path';
import { z } from 'zod';
import { UsherError } from '../../errors';
import { readContent } from '../../fleet/manager/content';
import { withOffer, writeDesired } from '../../fleet/manager/desired';
import { addRelease, addRollback, offerOf } from '../../fleet/manager/publish';
import type { FleetFolder } from '../../fleet/manager/fleet-folder';
import type { KnownRelease } from '../../fleet/manager/publish';
import { Channel, type EmbeddingRule, type Offer, type Requirements, Version } from '../../fleet/release';
import { modelsDir } from '../../system/paths';
import {
  alone,
  type FleetOptions,
  openFleet,
  scopeOf,
  scopeText,
  stagesOf,
  tell,
  withCarry,
  withFleetBroker,
  withFleetFolder,
} from '../../terminal/fleet-options';

interface OfferOptions extends FleetOptions {
  readonly channel: string;
  readonly to: string;
  readonly rollout: string;
  readonly lifeDays: string;
}

interface PublishOptions extends OfferOptions {
  readonly as?: string;
  readonly summary: string;
  readonly require: string[];
  readonly embeddingRule: string;
  readonly chunk?: string;
  readonly modelsDir?: string;
}

interface RollbackOptions extends OfferOptions {
  readonly back?: string;
  readonly reason: string;
}

/** `usher fleet publish CONTENT --channel …`: checks, signs and offers a release. */
export function fleetPublishCommand(): Command {
  return withOffering(new Command('publish'))
    .description('check a bundle, settings (.yaml) or a threshold table (.json) as a box would, sign it and offer it')
    .argument('<content>', 'folder of a bundle, a .yaml or a .json')
    .option('--as <version>', "version of the release (default: the bundle's own)")
    .option('--summary <text>', 'what is new, for people', '')
    .option('--require <what>', 'usher=1.2.0, arch=x64, arch=arm64 or memory=512 (MiB); may be repeated', collect, [])
    .option('--embedding-rule <rule>', 'for an encoder: same, re-encode or re-enrol', 're-enrol')
    .option('--chunk <bytes>', 'bytes in a chunk of the transfer, 1024 to 32768 (default: 4096, 16384 beyond 8 MiB)')
    .option('--models-dir <dir>', 'for thresholds: folder of the model that they belong to')
    .action(async (source: string, options: PublishOptions) => {
      const content = await readContent(source, path.resolve(options.modelsDir ?? modelsDir()));
      await alone(options, async () => {
        const fleet = openFleet(options);
        const release = addRelease(fleet, content, newReleaseOf(options));
        await offer(fleet, release, options);
      });
    });
}

/** `usher fleet rollback --channel …`: offers an older release again. */
export function fleetRollbackCommand(): Command {
  return withOffering(new Command('rollback'), '100%')
    .description('sign an older release of a channel again and offer it')
    .option('--back <version>', 'the version to return to (default: the one before the newest)')
    .option('--reason <text>', 'why, for people', 'rolled back by the fleet')
    .action(async (options: RollbackOptions) => {
      await alone(options, async () => {
        const fleet = openFleet(options);
        const release = addRollback(fleet, channelOf(options.channel), {
          to: options.back === undefined ? null : versionOf(options.back),
          reason: options.reason,
          lifeDays: daysOf(options.lifeDays),
          now: Date.now(),
        });
        await offer(fleet, release, options);
      });
    });
}

function withOffering(command: Command, rollout = '5%,25%,100%'): Command {
  return withCarry(withFleetBroker(withFleetFolder(command)))
    .requiredOption('--channel <name>', 'what the release replaces: wake/computer, face/encoder, scene, config, …')
    .option('--to <whom>', 'all, group:NAME or SITE/DEVICE', 'all')
    .option('--rollout <stages>', 'share of the boxes in each stage; the first stage opens at once', rollout)
    .option('--life-days <days>', 'no box starts it after this many days', '90');
}

async function offer(fleet: FleetFolder, release: KnownRelease, options: OfferOptions): Promise<void> {
  const scope = scopeOf(options.to);
  const rollout: Offer['rollout'] = { stages: stagesOf(options.rollout), stage: 0, state: 'rolling', why: null };
  const desired = writeDesired(fleet, scope, (offers) => withOffer(offers, offerOf(release, rollout)), Date.now());
  const offered = await tell(fleet, [desired], options);
  const text = `${release.id} signed (release ${release.serial} of ${release.channel}) and ${offered ? '' : 'not yet '}offered to ${scopeText(scope)}${offered ? '' : ': name a --broker, or run `usher fleet carry` later'}`;
  const report = { release: release.id, channel: release.channel, serial: release.serial, version: release.version };
  process.stdout.write(`${options.json === true ? JSON.stringify({ ...report, scope, offered }) : text}\n`);
}

function newReleaseOf(options: PublishOptions) {
  return {
    channel: channelOf(options.channel),
    version: options.as === undefined ? null : versionOf(options.as),
    summary: options.summary.slice(0, 512),
    requires: requirementsOf(options.require),
    embeddingRule: ruleOf(options.embeddingRule),
    lifeDays: daysOf(options.lifeDays),
    ...(options.chunk === undefined ? {} : { chunkBytes: Number(options.chunk) }),
    now: Date.now(),
  };
}

/** @throws UsherError `usage` */
export function requirementsOf(texts: readonly string[]): Requirements {
  let requires: Requirements = { usher: null, arch: null, memoryMiB: null };
  for (const text of texts) {
    const [name, value = ''] = text.split('=', 2);
    if (name === 'usher') requires = { ...requires, usher: versionOf(value) };
    else if (name === 'arch' && (value === 'x64' || value === 'arm64'))
      requires = { ...requires, arch: [...new Set([...(requires.arch ?? []), value] as const)] };
    else if (name === 'memory' && /^\d{1,6}$/.test(value) && Number(value) > 0)
      requires = { ...requires, memoryMiB: Number(value) };
    else
      throw new UsherError('usage', `--require takes usher=1.2.0, arch=x64, arch=arm64 or memory=512, not "${text}"`);
  }
  return requires;
}

function channelOf(text: string): string {
  const parsed = Channel.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsherError('usage', `"${text}" is not a channel`, {
    remedy: 'Use one like wake/computer, face/encoder, scene or config.',
  });
}

function versionOf(text: string): string {
  const parsed = Version.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsherError('usage', `"${text}" is not a version like 1.2.3`);
}

function ruleOf(text: string): EmbeddingRule['rule'] {
  const parsed = z.enum(['same', 're-encode', 're-enrol']).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsherError('usage', `--embedding-rule takes same, re-encode or re-enrol, not "${text}"`);
}

function daysOf(text: string): number {
  const days = Number(text);
  if (days >= 1 && days <= 3650) return days;
  throw new UsherError('usage', `--life-days takes 1 to 3650, not "${text}"`);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
