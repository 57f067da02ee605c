import { step } from './door';
import { type Decision, type DoorEvent, type DoorSettings, type DoorState, type Gate } from '../door-types';
import { refusalOf, refusalOfGrant } from '../policy/checks';
import { stepPolicy } from '../policy/policy';
import { type Alarm, type PolicyContext, type PolicyDecision, type PolicyState } from '../policy/types';

export interface EntranceStep {
  readonly door: DoorState;
  readonly policy: PolicyState;
  /** Decisions of this door. */
  readonly decisions: readonly Decision[];
  /** Unlocks that a hold-open order requests, of any door. */
  readonly ordered: readonly PolicyDecision[];
  readonly alarms: readonly Alarm[];
}

/**
 * One event at one door. The automaton weighs the evidence. The policy is asked before a swipe is accepted and before a
 * grant, and receives every decision. A decision that the same event caused earlier already counts: a claim that
 * expires as the next one comes may be the failure that locks the reader.
 */
export function stepEntrance(
  id: string,
  door: DoorState,
  policy: PolicyState,
  event: DoorEvent,
  settings: DoorSettings,
  context: PolicyContext,
): EntranceStep {
  const { standing, reader } = event.type === 'swipe' ? event : { standing: null, reader: '' };
  const begun = stepPolicy(
    policy,
    standing === null
      ? event.type === 'withheld'
        ? { type: 'withheld', door: id }
        : { type: 'tick' }
      : { type: 'swipe', door: id, reader, member: standing.member, duress: standing.duress === true },
    context,
  );
  const after = (decisions: readonly Decision[]): { state: PolicyState; alarms: Alarm[] } => {
    let { state } = begun;
    const alarms: Alarm[] = [];
    for (const decision of decisions) {
      const next = stepPolicy(state, { type: 'decision', door: id, decision }, context);
      state = next.state;
      alarms.push(...next.alarms);
    }
    return { state, alarms };
  };
  const gate: Gate = {
    atSwipe: (passing, earlier) => refusalOf(after(earlier).state, { door: id, ...passing }, context),
    atGrant: (passing, earlier) => refusalOfGrant(after(earlier).state, { door: id, ...passing }, context),
  };
  const stepped = step(door, event, settings, gate);
  const noted = after(stepped.decisions);
  return {
    door: stepped.state,
    policy: noted.state,
    decisions: stepped.decisions,
    ordered: begun.decisions,
    alarms: [...begun.alarms, ...noted.alarms],
  };
}
