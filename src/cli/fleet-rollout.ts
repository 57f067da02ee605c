import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../errors';
import { readDesired, withRollout, writeDesired } from '../fleet/manager/desired';
import { followRollout } from '../fleet/manager/follow';
import { openView } from '../fleet/manager/open-view';
import type { Counts, RolloutLimits } from '../fleet/manager/rollout';
import type { Offer, OfferScope, Rollout } from '../fleet/release';
import { untilStopped } from '../system/signals';
import { alone, type FleetOptions, openFleet, scopeOf, tell, withFleetBroker, withFleetFolder } from './fleet-options';
import { requireBroker } from './fleet-status';

interface Options extends FleetOptions {
  readonly to: string;
  readonly maxFailures: number;
  readonly forgive: number;
  readonly minAgreement: number;
  readonly why?: string;
}

const LOOK_MS = 1000;

/** `usher fleet rollout …`: opens one stage after the other while the boxes do well, and stops by itself where they do not. */
export function fleetRolloutCommand(): Command {
  const command = new Command('rollout').description(
    'follow an offer through its stages; stop it, go on, take it back',
  );
  const add = (name: string, description: string): Command =>
    withFleetBroker(withFleetFolder(command.command(`${name} <channel>`)))
      .description(description)
      .option('--to <whom>', 'all, group:NAME or SITE/DEVICE', 'all');
  add('follow', 'open stage after stage; pauses when too many boxes fail or decide otherwise; ends when all have it')
    .option('--max-failures <share>', 'share of the boxes that may fail', share, 0.02)
    .option('--forgive <n>', 'failures that are forgiven whatever their share', count, 1)
    .option('--min-agreement <share>', 'least mean share of decisions as before', share, 0.95)
    .action((channel: string, options: Options) => follow(channel, options));
  for (const [name, state, description] of [
    ['pause', 'paused', 'boxes that have not begun do not begin'],
    ['resume', 'rolling', 'go on with the stage that is open'],
    ['abort', 'aborted', 'boxes that have it go back to what they had; who has begun leaves off'],
  ] as const)
    add(name, description)
      .option('--why <text>', 'for people')
      .action(async (channel: string, options: Options) => {
        const why = state === 'rolling' ? null : (options.why ?? 'by hand');
        await change(channel, options, (rollout) => ({ ...rollout, state, why }));
        process.stdout.write(
          options.json === true ? `${JSON.stringify({ channel, state, why })}\n` : `${channel}: ${state}\n`,
        );
      });
  return command;
}

function share(text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('a share like 0.02 or 2%');
  return value;
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

async function follow(channel: string, options: Options): Promise<void> {
  const scope = scopeOf(options.to);
  const limits: RolloutLimits = {
    maxFailures: options.maxFailures,
    forgiven: options.forgive,
    minAgreement: options.minAgreement,
  };
  const { view, guest } = await openView(await requireBroker(options));
  const stopped = untilStopped().then(() => true);
  let told = '';
  const say = (text: string, facts: object): void => {
    if (text === told) return;
    told = text;
    process.stdout.write(options.json === true ? `${JSON.stringify({ at: Date.now(), ...facts })}\n` : `${text}\n`);
  };
  try {
    await followRollout({
      ...{ scope, limits, boxes: () => view.all() },
      offer: () => offerOf(channel, scope, options),
      change: (to) => change(channel, options, to),
      told: (offer, counts, { kind }) =>
        say(progress(offer, counts), { decision: kind, stage: offer.rollout.stage, ...counts }),
      rest: () => Promise.race([stopped, delay(LOOK_MS, false)]),
    });
  } finally {
    await guest.close();
  }
}

function offerOf(channel: string, scope: OfferScope, options: Options): Offer {
  const offer = readDesired(openFleet(options), scope)?.offers.find((one) => one.channel === channel);
  if (offer === undefined) throw new UsherError('usage', `nothing is offered on ${channel} to ${options.to}`);
  return offer;
}

async function change(channel: string, options: Options, to: (rollout: Rollout) => Rollout): Promise<void> {
  await requireBroker(options);
  await alone(options, async () => {
    const fleet = openFleet(options);
    const desired = writeDesired(fleet, scopeOf(options.to), (offers) => withRollout(offers, channel, to), Date.now());
    await tell(fleet, [desired], { ...options, carry: false });
  });
}

function progress({ release, rollout }: Offer, counts: Counts): string {
  const { reached, committed, failed, excused, underWay, agreement } = counts;
  const stage = `stage ${rollout.stage + 1} of ${rollout.stages.length} (${(rollout.stages[rollout.stage] ?? 0) / 100} %), ${rollout.state}`;
  const same = agreement === null ? '' : `, ${Math.round(agreement * 100)} % decided as before`;
  return `${release}: ${stage}: ${committed} of ${reached} have it, ${underWay} under way, ${failed} failed${excused === 0 ? '' : `, ${excused} do not take it`}${same}`;
}
