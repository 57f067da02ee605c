import { type Offer, type OfferScope, rolloutPlace, WHOLE_FLEET } from '../release';
import type { BoxView, ReportedChannel } from './view';

/** When a rollout stops by itself. */
export interface RolloutLimits {
  /** Share of the boxes that have ended, 0..1, that may have refused it or gone back. */
  readonly maxFailures: number;
  /** Failures that are forgiven whatever their share. */
  readonly forgiven: number;
  /** Least mean share of equal decisions, where the boxes could compare. */
  readonly minAgreement: number;
}

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
  readonly agreement: number | null;
  /** Why boxes failed, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, boxes: number])[];
}

export type RolloutDecision =
  | { readonly kind: 'wait' }
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
export function countRollout(boxes: readonly BoxView[], scope: OfferScope, offer: Offer): Counts {
  const open = offer.rollout.stages[offer.rollout.stage] ?? 0;
  let [addressed, reached, committed, failed, excused, sum, compared] = [0, 0, 0, 0, 0, 0, 0];
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
    }
    if (channel.candidate?.release === offer.release && channel.agreement !== null) {
      sum += channel.agreement;
      compared++;
    }
  }
  return {
    ...{ addressed, reached, committed, failed, excused, underWay: reached - committed - failed - excused },
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
  const { addressed, committed, failed, underWay, agreement, reasons } = counts;
  const ended = committed + failed;
  if (failed > limits.forgiven && failed > limits.maxFailures * ended) {
    const why = reasons.slice(0, 3).map(([reason, boxes]) => `${reason} ${boxes}`);
    return { kind: 'pause', why: `${failed} of ${ended} boxes failed: ${why.join(', ')}` };
  }
  if (agreement !== null && agreement < limits.minAgreement)
    return { kind: 'pause', why: `boxes decide as before on ${Math.round(agreement * 100)} % of the frames` };
  // The first stage of a small fleet may reach nobody, and would be waited for for ever.
  if (addressed === 0 || underWay > 0) return { kind: 'wait' };
  return rollout.stage + 1 < rollout.stages.length
    ? { kind: 'advance', stage: rollout.stage + 1 }
    : { kind: 'finished' };
}
