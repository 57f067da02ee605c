import { Command, InvalidArgumentError, Option } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../../errors';
import { readDesired, withRollout, writeDesired } from '../../fleet/manager/desired';
import { followRollout } from '../../fleet/manager/follow';
import { openView } from '../../fleet/manager/open-view';
import { type Counts, nextStage, type RolloutLimits, USUAL_LIMITS } from '../../fleet/manager/rollout';
import type { Offer, OfferScope, Rollout } from '../../fleet/release';
import { untilStopped } from '../../system/signals';
import { duration, share } from '../../terminal/arguments';
import {
  alone,
  type FleetOptions,
  openFleet,
  scopeOf,
  tell,
  withFleetBroker,
  withFleetFolder,
} from '../../terminal/fleet-options';
import { requireBroker } from './status';

interface Options extends FleetOptions {
  readonly to: string;
  readonly maxFailures: number;
  readonly forgive: number;
  readonly minAgreement: number;
  readonly patience: number;
  readonly minCommitted: number;
  readonly why?: string;
}

const LOOK_MS = 1000;
/** Offline boxes that a line names at most. JSON names all. */
const NAMES = 5;

/**
 * `usher fleet rollout …`: opens one stage after the other while the boxes are healthy, and pauses by itself when they
 * are not.
 */
export function fleetRolloutCommand(): Command {
  const command = new Command('rollout').description(
    'run an offer through its stages, or advance, pause, resume or abort it by hand',
  );
  const add = (name: string, description: string): Command =>
    withFleetBroker(withFleetFolder(command.command(`${name} <channel>`)))
      .description(description)
      .option('--to <whom>', 'all, group:NAME or SITE/DEVICE', 'all');
  add(
    'follow',
    'open stage after stage; pauses when too many boxes fail or decide differently; ends when all boxes have it',
  )
    .option('--max-failures <share>', 'share of the boxes that may fail', share, USUAL_LIMITS.maxFailures)
    .option(
      '--forgive <n>',
      'number of failures that are always accepted, whatever their share',
      count,
      USUAL_LIMITS.forgiven,
    )
    .option(
      '--min-agreement <share>',
      'minimum mean share of decisions that are the same as before',
      share,
      USUAL_LIMITS.minAgreement,
    )
    .addOption(
      new Option('--patience <duration>', 'stop waiting for a box that was offline this long')
        .argParser(duration)
        .default(USUAL_LIMITS.patienceMs, '24h'),
    )
    .option(
      '--min-committed <share>',
      'minimum share of the reachable boxes that have it, before a stage opens without the absent ones',
      share,
      USUAL_LIMITS.minCommitted,
    )
    .action((channel: string, options: Options) => follow(channel, options));
  add('advance', 'open the next stage now, whatever the boxes report').action(advance);
  for (const [name, state, description] of [
    ['pause', 'paused', 'boxes that have not started do not start'],
    ['resume', 'rolling', 'continue with the stage that is open'],
    ['abort', 'aborted', 'boxes that have it return to the version before; boxes that have started stop'],
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

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

async function follow(channel: string, options: Options): Promise<void> {
  const scope = scopeOf(options.to);
  const limits: RolloutLimits = {
    maxFailures: options.maxFailures,
    forgiven: options.forgive,
    minAgreement: options.minAgreement,
    patienceMs: options.patience,
    minCommitted: options.minCommitted,
  };
  const { view, guest } = await openView(await requireBroker(options));
  const stopped = untilStopped().then(() => true);
  let lastReported = '';
  const say = (text: string, facts: object): void => {
    if (text === lastReported) return;
    lastReported = text;
    process.stdout.write(options.json === true ? `${JSON.stringify({ at: Date.now(), ...facts })}\n` : `${text}\n`);
  };
  try {
    const finished = await followRollout({
      scope,
      limits,
      boxes: () => view.all(),
      offer: () => offerOf(channel, scope, options),
      change: (to) => change(channel, options, to),
      onCounts: (offer, counts, decision) => {
        const { kind } = decision;
        const why = 'why' in decision ? decision.why : null;
        say(progress(offer, counts, why), { decision: kind, why, stage: offer.rollout.stage, ...counts });
      },
      rest: () => Promise.race([stopped, delay(LOOK_MS, false)]),
    });
    if (!finished)
      throw new UsherError('cancelled', `the rollout of ${channel} is no longer followed; its stage stays as it is`, {
        remedy: 'Run the same command to follow it again, or use usher fleet rollout pause, advance or abort.',
      });
  } finally {
    await guest.close();
  }
}

async function advance(channel: string, options: Options): Promise<void> {
  await change(channel, options, (rollout) => nextStage(rollout, `the rollout of ${channel} to ${options.to}`));
  const { rollout } = offerOf(channel, scopeOf(options.to), options);
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ channel, stage: rollout.stage })}\n`
      : `${channel}: ${stageText(rollout)}\n`,
  );
}

function offerOf(channel: string, scope: OfferScope, options: Options): Offer {
  const offer = readDesired(openFleet(options), scope)?.offers.find((one) => one.channel === channel);
  if (offer === undefined) throw new UsherError('usage', `there is no offer on ${channel} to ${options.to}`);
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

function progress({ release, rollout }: Offer, counts: Counts, why: string | null): string {
  const { reached, committed, failed, excused, underWay, offline, absent, agreement } = counts;
  const some = (boxes: number, text: string): string => (boxes === 0 ? '' : text);
  return [
    `${release}: ${stageText(rollout)}, ${rollout.state}: ${committed} of ${reached} have it`,
    `, ${underWay} under way${some(offline, ` (${offline} offline)`)}, ${failed} failed`,
    some(absent.length, `, ${absent.length} absent (${shortened(absent)})`),
    some(excused, `, ${excused} cannot take it`),
    agreement === null ? '' : `, ${Math.round(agreement * 100)} % decided as before`,
    why === null ? '' : `; ${why}`,
  ].join('');
}

function shortened(names: readonly string[]): string {
  return names.length <= NAMES ? names.join(', ') : `${names.slice(0, NAMES).join(', ')}, …`;
}

function stageText({ stage, stages }: Rollout): string {
  return `stage ${stage + 1} of ${stages.length} (${(stages[stage] ?? 0) / 100} %)`;
}
