import { UsherError } from '../../errors';
import { type Offer, type OfferScope, type Rollout, rolloutPlace, WHOLE_FLEET } from '../release';
import type { BoxView, ReportedChannel } from './view';

/** When a rollout stops by itself, and for whom it waits. */
export interface RolloutLimits {
  /** Share of the boxes that have ended, 0..1, that may have refused it or gone back. */
  readonly maxFailures: number;
  /** Failures that are forgiven whatever their share. */
  readonly forgiven: number;
  /** Least mean share of equal decisions, where the boxes could compare. */
  readonly minAgreement: number;
  /** Ms for which a box on its way may be offline until nobody waits for it. */
  readonly patienceMs: number;
  /** Least share of the boxes of the open stage that have it, 0..1, for the next one to be opened without absent ones. */
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
  /** Boxes that have such a channel, in whatever stage they come. */
  readonly addressed: number;
  /** Boxes that the open stage reaches. */
  readonly reached: number;
  readonly committed: number;
  readonly failed: number;
  /** Boxes that do not take it, for a reason that is not the release's; nobody waits for them. */
  readonly excused: number;
  readonly underWay: number;
  /** Of those under way, offline for now. */
  readonly offline: number;
  /**
   * `SITE/DEVICE` of boxes that would be under way, and are offline beyond patience; nobody waits for them. Their stage stays open:
   * they take the release when they are back, and count then like any other.
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

/** Reasons that say nothing of the release: somebody must do something at that box first, or it came too late for it. */
const NO_FAULT = ['no-such-channel', 'requires-usher', 'requires-arch', 'requires-memory', 'quarantined'];

export function isAddressed({ site, device, reported }: BoxView, scope: OfferScope): boolean {
  if (scope.kind === 'device') return site === scope.site && device === scope.device;
  return reported !== null && (scope.group === WHOLE_FLEET || reported.groups.includes(scope.group));
}

/** How far an offer is, by what the boxes say. */
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
    // A box that has nothing of that kind is not waited for.
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

/** What becomes of a rollout. Pure; nothing is remembered between two looks. */
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
  // The first stage of a small fleet may reach nobody, and would be waited for for ever.
  if (addressed === 0 || underWay > 0) return { kind: 'wait' };
  // Where nearly all are away, nobody has shown that the release is good.
  const due = reached - excused;
  if (absent.length > 0 && (committed === 0 || committed < limits.minCommitted * due))
    return { kind: 'wait', why: `${committed} of ${due} boxes have it, too few to go on without the absent ones` };
  return rollout.stage + 1 < rollout.stages.length
    ? { kind: 'advance', stage: rollout.stage + 1 }
    : { kind: 'finished' };
}

/**
 * The rollout with its next stage open, whatever the boxes say.
 * @param what it is of, for people
 * @throws UsherError `usage` where none can be opened
 */
export function nextStage(rollout: Rollout, what: string): Rollout {
  const { stage, stages, state, why } = rollout;
  if (state === 'paused')
    throw new UsherError('usage', `${what} is paused: ${why ?? 'nobody said why'}`, {
      remedy: 'No box begins it: usher fleet rollout resume first.',
    });
  if (state === 'aborted')
    throw new UsherError('usage', `${what} was taken back: ${why ?? 'nobody said why'}`, {
      remedy: 'Boxes do not take it up again: publish a new release.',
    });
  if (stage + 1 >= stages.length)
    throw new UsherError('usage', `the last stage of ${what} is open already`, {
      remedy: 'usher fleet status shows which boxes do not have it, and why.',
    });
  return { ...rollout, stage: stage + 1 };
}
