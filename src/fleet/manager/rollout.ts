import { UsherError } from '../../errors';
import { type Offer, type OfferScope, type Rollout, rolloutPlace, WHOLE_FLEET } from '../release';
import type { BoxView, ReportedChannel } from './view';

/** When a rollout pauses by itself, and for which boxes it waits. */
export interface RolloutLimits {
  /** Largest share of the finished boxes, 0..1, that may refuse it or roll back. */
  readonly maxFailures: number;
  /** Number of failures that are always accepted. */
  readonly forgiven: number;
  /** Minimum mean share of equal decisions, if the boxes could compare. */
  readonly minAgreement: number;
  /** A box in progress that is offline for longer, ms, is not waited for. */
  readonly patienceMs: number;
  /** Minimum share of the boxes of the open stage that have it, 0..1, before the next one opens without absent ones. */
  readonly minCommitted: number;
}

/** A box that is off at night is waited for; one that is off for a weekend, or for good, is not. */
export const USUAL_LIMITS: RolloutLimits = {
  maxFailures: 0.02,
  forgiven: 1,
  minAgreement: 0.95,
  patienceMs: 24 * 3_600_000,
  minCommitted: 0.5,
};

export interface Counts {
  /** Boxes with this channel, of all stages. */
  readonly addressed: number;
  /** Boxes that the open stage reaches. */
  readonly reached: number;
  readonly committed: number;
  readonly failed: number;
  /** Boxes that cannot take it, for a reason that is not the release's; they are not waited for. */
  readonly excused: number;
  readonly underWay: number;
  /** Of those in progress, offline at present. */
  readonly offline: number;
  /**
   * `SITE/DEVICE` of boxes that would be in progress and are offline too long; they are not waited for. Their stage
   * stays open: they take the release when they are back, and then count like any other.
   */
  readonly absent: readonly string[];
  readonly agreement: number | null;
  /** Why boxes failed, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, boxes: number])[];
}

export type RolloutDecision =
  | { readonly kind: 'wait'; readonly why?: string }
  | { readonly kind: 'advance'; readonly stage: number }
  | { readonly kind: 'pause'; readonly why: string }
  | { readonly kind: 'finished' };

/** Reasons that say nothing about the release: a person must first act at that box, or the box was too late. */
const NO_FAULT = ['no-such-channel', 'requires-usher', 'requires-arch', 'requires-memory', 'quarantined'];

export function isAddressed({ site, device, reported }: BoxView, scope: OfferScope): boolean {
  if (scope.kind === 'device') return site === scope.site && device === scope.device;
  return reported !== null && (scope.group === WHOLE_FLEET || reported.groups.includes(scope.group));
}

/** The progress of an offer, from the reports of the boxes. */
export function countRollout(
  boxes: readonly BoxView[],
  scope: OfferScope,
  offer: Offer,
  { patienceMs }: Pick<RolloutLimits, 'patienceMs'>,
): Counts {
  const open = offer.rollout.stages[offer.rollout.stage] ?? 0;
  let [addressed, reached, committed, failed, excused, offline, sum, compared] = [0, 0, 0, 0, 0, 0, 0, 0];
  const absent: string[] = [];
  const reasons = new Map<string, number>();
  for (const box of boxes) {
    if (!isAddressed(box, scope)) continue;
    const channel = box.reported?.channels.find((one) => one.channel === offer.channel);
    // A box without this channel is not waited for.
    if (channel === undefined || channel.reason === 'no-such-channel') continue;
    addressed++;
    if (rolloutPlace(offer.release, box.site, box.device) >= open) continue;
    reached++;
    if (channel.active?.release === offer.release) committed++;
    else if (hasLeftOff(channel, offer) && NO_FAULT.includes(channel.reason ?? '')) excused++;
    else if (hasLeftOff(channel, offer)) {
      failed++;
      const reason = channel.reason ?? channel.state;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    } else if (box.offlineMs !== null) {
      if (box.offlineMs >= patienceMs) absent.push(`${box.site}/${box.device}`);
      else offline++;
    }
    if (channel.candidate?.release === offer.release && channel.agreement !== null) {
      sum += channel.agreement;
      compared++;
    }
  }
  return {
    addressed,
    reached,
    committed,
    failed,
    excused,
    offline,
    absent,
    underWay: reached - committed - failed - excused - absent.length,
    agreement: compared === 0 ? null : sum / compared,
    reasons: [...reasons].sort(([, a], [, b]) => b - a),
  };
}

function hasLeftOff({ state, candidate }: ReportedChannel, { release }: Offer): boolean {
  return candidate?.release === release && (state === 'refused' || state === 'rolled-back');
}

/** The next step of a rollout. Pure; nothing is remembered between two calls. */
export function decideRollout({ rollout }: Offer, counts: Counts, limits: RolloutLimits): RolloutDecision {
  if (rollout.state !== 'rolling') return { kind: 'wait' };
  const { addressed, reached, committed, failed, excused, underWay, absent, agreement, reasons } = counts;
  const ended = committed + failed;
  if (failed > limits.forgiven && failed > limits.maxFailures * ended) {
    const why = reasons.slice(0, 3).map(([reason, boxes]) => `${reason} ${boxes}`);
    return { kind: 'pause', why: `${failed} of ${ended} boxes failed: ${why.join(', ')}` };
  }
  if (agreement !== null && agreement < limits.minAgreement)
    return { kind: 'pause', why: `boxes decide as before on ${Math.round(agreement * 100)} % of the frames` };
  // The first stage of a small fleet may contain no box, which must not stop the rollout.
  if (addressed === 0 || underWay > 0) return { kind: 'wait' };
  // If nearly all boxes are absent, the release is not proven.
  const due = reached - excused;
  if (absent.length > 0 && (committed === 0 || committed < limits.minCommitted * due))
    return { kind: 'wait', why: `${committed} of ${due} boxes have it, too few to go on without the absent ones` };
  return rollout.stage + 1 < rollout.stages.length
    ? { kind: 'advance', stage: rollout.stage + 1 }
    : { kind: 'finished' };
}

/**
 * The rollout with its next stage open, whatever the boxes report.
 * @param what name of the release, for people
 * @throws UsherError `usage` if none can be opened
 */
export function nextStage(rollout: Rollout, what: string): Rollout {
  const { stage, stages, state, why } = rollout;
  if (state === 'paused')
    throw new UsherError('usage', `${what} is paused: ${why ?? 'no reason given'}`, {
      remedy: 'No box begins it: usher fleet rollout resume first.',
    });
  if (state === 'aborted')
    throw new UsherError('usage', `${what} was taken back: ${why ?? 'no reason given'}`, {
      remedy: 'Boxes do not take it up again: publish a new release.',
    });
  if (stage + 1 >= stages.length)
    throw new UsherError('usage', `the last stage of ${what} is open already`, {
      remedy: 'usher fleet status shows which boxes do not have it, and why.',
    });
  return { ...rollout, stage: stage + 1 };
}
