import { UsherError } from '../../errors';
import type { Offer, OfferScope, Rollout } from '../release';
import { type Counts, countRollout, decideRollout, type RolloutDecision, type RolloutLimits } from './rollout';
import type { BoxView } from './view';

export interface FollowParts {
  readonly scope: OfferScope;
  readonly limits: RolloutLimits;
  /** From the fleet's own records, each time: another person may have paused it. */
  readonly offer: () => Offer;
  readonly boxes: () => readonly BoxView[];
  /** Signs the offer with another rollout, and publishes it. */
  readonly change: (to: (rollout: Rollout) => Rollout) => Promise<void>;
  readonly onCounts: (offer: Offer, counts: Counts, decision: RolloutDecision) => void;
  /** Waits between two checks. True: stop following. */
  readonly rest: () => Promise<boolean>;
}

/**
 * Opens one stage after the other while the boxes are healthy, and pauses by itself when they are not. False if it was
 * stopped.
 * @throws UsherError `release-refused` after it was paused
 */
export async function followRollout(parts: FollowParts): Promise<boolean> {
  do {
    const offer = parts.offer();
    const counts = countRollout(parts.boxes(), parts.scope, offer, parts.limits);
    const decision = decideRollout(offer, counts, parts.limits);
    parts.onCounts(offer, counts, decision);
    if (decision.kind === 'finished') return true;
    // Another person may have opened more stages meanwhile; a stage is never closed.
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
