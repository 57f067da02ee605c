import { type Decision } from '../../../src/access/door-types';
import { compilePolicy } from '../../../src/access/policy/rules';
import { stepPolicy } from '../../../src/access/policy/policy';
import {
  FIRST_STATE,
  type PolicyContext,
  type PolicyEvent,
  type PolicyRules,
  type PolicyState,
  type PolicyStep,
  type RightsOf,
} from '../../../src/access/policy/types';
import { PolicyConfig } from '../../../src/config/schema/policy';

/** Monday, 1 June 2026, noon. */
export const NOON = Date.UTC(2026, 5, 1, 12);
export const GRACE_MS = 5000;
export const UNLOCK_MS = 3000;

export const everybody: RightsOf = () => ({ groups: ['staff'], validFrom: null, validUntil: null });

export function rulesOf(policy: object = {}, doors: readonly string[] = ['front']): PolicyRules {
  return compilePolicy(
    PolicyConfig.parse(policy),
    doors.map((id) => ({ id, mode: 'verify', unlockMs: UNLOCK_MS })),
  );
}

export function contextAt(
  rules: PolicyRules,
  mono: number,
  { wall = NOON + mono, rightsOf = everybody }: { wall?: number | null; rightsOf?: RightsOf } = {},
): PolicyContext {
  return { rules, now: { mono, wall }, rightsOf };
}

/** Steps through events at their times. @returns the last step */
export function play(
  rules: PolicyRules,
  events: readonly (readonly [mono: number, event: PolicyEvent])[],
  state: PolicyState = FIRST_STATE,
): PolicyStep {
  let step: PolicyStep = { state, alarms: [], decisions: [], refused: null };
  for (const [mono, event] of events) step = stepPolicy(step.state, event, contextAt(rules, mono));
  return step;
}

const EVIDENCE = { at: 0, mode: 'verify', trigger: 'swipe', since: 0, threshold: 1.1 } as const;

export function denied(
  reason: Extract<Decision, { outcome: 'denied' }>['reason'],
  { member = 'ann', reader = 'r1', votes = 0, distance = null }: Partial<Decision> = {},
): Decision {
  return { ...EVIDENCE, outcome: 'denied', reason, member, reader, votes, distance };
}

export function grantOf(member: string): Decision {
  return { ...EVIDENCE, outcome: 'granted', reason: 'match', member, reader: 'r1', votes: 3, distance: 0.5 };
}

export function granted(member: string, door = 'front'): PolicyEvent {
  return { type: 'decision', door, decision: grantOf(member) };
}

export function refused(...given: Parameters<typeof denied>): PolicyEvent {
  return { type: 'decision', door: 'front', decision: denied(...given) };
}
