import { UsherError } from '../../errors';
import type { Offer, OfferScope, Rollout } from '../release';
import { type Counts, countRollout, decideRollout, type RolloutDecision, type RolloutLimits } from './rollout';
import type { BoxView } from './view';

export interface FollowParts {
  readonly scope: OfferScope;
  readonly limits: RolloutLimits;
  /** From the fleet's own records, each time: somebody else may have paused it. */
  readonly offer: () => Offer;
  readonly boxes: () => readonly BoxView[];
  /** Signs the offer with another rollout, and puts it onto the broker. */
  readonly change: (to: (rollout: Rollout) => Rollout) => Promise<void>;
  readonly onCounts: (offer: Offer, counts: Counts, decision: RolloutDecision) => void;
  /** Between two looks. True: leave off. */
  readonly rest: () => Promise<boolean>;
}

/**
 * Opens one stage after the other while the boxes do well, and stops by itself where they do not. False: it was left off.
 * @throws UsherError `release-refused` after it was paused
 */
export async function followRollout(parts: FollowParts): Promise<boolean> {
  do {
    const offer = parts.offer();
    const counts = countRollout(parts.boxes(), parts.scope, offer, parts.limits);
    const decision = decideRollout(offer, counts, parts.limits);
    parts.onCounts(offer, counts, decision);
    if (decision.kind === 'finished') return true;
    // Somebody may have opened more by hand meanwhile; a stage is never closed.
    if (decision.kind === 'advance')
      await parts.change((rollout) => ({ ...rollout, stage: Math.max(rollout.stage, decision.stage) }));
    if (decision.kind === 'pause') {
      await parts.change((rollout) => ({ ...rollout, state: 'paused', why: decision.why.slice(0, 256) }));
      throw new UsherError('release-refused', `${offer.release} was paused: ${decision.why}`, {
        remedy: 'Boxes that have it keep it: usher fleet rollout abort takes it back, resume goes on all the same.',
      });
    }
  } while (!(await parts.rest()));
  return false;
}
