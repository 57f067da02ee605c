import { UsherError } from '../../errors';
import { type Decision, type DoorEvent, type DoorMode, type DoorSettings, type DoorState } from '../door-types';
import { modeAt } from '../policy/clock';
import { stepEntrance } from './entrance';
import { stepPolicy } from '../policy/policy';
import {
  type Alarm,
  FIRST_STATE,
  type Now,
  ORDER_REFUSALS,
  ordersOf,
  OUTSIDE,
  type PolicyContext,
  type PolicyDecision,
  type PolicyEvent,
  type PolicyOrder,
  type PolicyRules,
  type PolicyState,
  type RightsOf,
} from '../policy/types';

/** The results of an event, apart from the decisions at its own door. */
export interface PolicyNews {
  readonly alarms: readonly Alarm[];
  readonly ordered: readonly PolicyDecision[];
}

/**
 * Keeps the policy's state between events, for all doors of the box, since persons and orders concern more than one. It
 * neither saves nor publishes; `changed` is called with every new state, before a decision that depends on it is
 * announced.
 */
export class PolicyKeeper {
  private current: PolicyState;
  private report: (news: PolicyNews) => void = () => undefined;

  constructor(
    private readonly rules: PolicyRules,
    private readonly rightsOf: RightsOf,
    private readonly now: () => Now,
    /** `FIRST_STATE` for a new box, else the result of `parsePolicyState`. */
    initial: PolicyState = FIRST_STATE,
    private readonly changed: (state: PolicyState) => void = () => undefined,
  ) {
    this.current = initial;
  }

  get state(): PolicyState {
    return this.current;
  }

  /** Receives alarms and ordered unlocks. There is one listener, the doors. */
  onNews(report: (news: PolicyNews) => void): void {
    this.report = report;
  }

  /** The door's present mode. */
  mode(door: string): DoorMode {
    const rules = this.rules.doors.get(door);
    return rules === undefined ? 'verify' : modeAt(this.rules, rules, this.now());
  }

  /** Whether the door is locked down, held open, or neither. */
  standing(door: string): 'locked-down' | 'held-open' | 'normal' {
    const { lockdown, hold } = ordersOf(this.current, door);
    if (this.current.lost || lockdown !== null) return 'locked-down';
    return hold === null ? 'normal' : 'held-open';
  }

  /** The lockdowns in force; `endsInMs` is null for one without an end. */
  lockdowns(): { door: string; groups: string[]; endsInMs: number | null }[] {
    const { mono } = this.now();
    return [...this.current.doors].flatMap(([door, { lockdown }]) =>
      lockdown === null
        ? []
        : [
            {
              door,
              groups: [...lockdown.groups],
              endsInMs: lockdown.until === null ? null : Math.max(0, Math.round(lockdown.until - mono)),
            },
          ],
    );
  }

  /** One event of a door's automaton, judged by the policy. */
  step(
    door: string,
    state: DoorState,
    event: DoorEvent,
    settings: DoorSettings,
  ): { readonly state: DoorState; readonly decisions: readonly Decision[] } {
    const stepped = stepEntrance(door, state, this.current, event, settings, this.context());
    this.keep(stepped.policy);
    this.tell(stepped);
    return { state: stepped.door, decisions: stepped.decisions };
  }

  /** Events that concern no automaton: a contact, an exit button, the time. */
  feed(event: Extract<PolicyEvent, { type: 'tick' | 'contact' | 'exit-request' }>): void {
    const { state, alarms, decisions } = stepPolicy(this.current, event, this.context());
    this.keep(state);
    this.tell({ alarms, ordered: decisions });
  }

  /** Obeys an order whose signature was checked. @throws UsherError `usage` for one that cannot be obeyed */
  order(order: PolicyOrder): void {
    this.check(order);
    const { state, alarms, decisions, refused } = stepPolicy(this.current, order, this.context());
    this.keep(state);
    this.tell({ alarms, ordered: decisions });
    if (refused !== null) throw new UsherError('usage', `${order.type}: ${ORDER_REFUSALS[refused]}`);
  }

  private tell(news: PolicyNews): void {
    if (news.alarms.length > 0 || news.ordered.length > 0) this.report(news);
  }

  private check(order: PolicyOrder): void {
    const named = 'doors' in order ? (order.doors ?? []) : 'door' in order ? [order.door] : [];
    const strange = named.find((door) => !this.rules.doors.has(door));
    if (strange !== undefined)
      throw new UsherError(
        'usage',
        `there is no door "${strange.slice(0, 80)}"; there is: ${[...this.rules.doors.keys()].join(', ')}`,
      );
    if (order.type !== 'place') return;
    const zones = new Set([OUTSIDE, ...[...this.rules.doors.values()].flatMap(({ passage }) => passage?.to ?? [])]);
    if (!zones.has(order.zone))
      throw new UsherError(
        'usage',
        `no door leads to "${order.zone.slice(0, 80)}"; there is: ${[...zones].join(', ')}`,
      );
  }

  private context(): PolicyContext {
    return { rules: this.rules, now: this.now(), rightsOf: this.rightsOf };
  }

  private keep(state: PolicyState): void {
    if (state === this.current) return;
    this.current = state;
    this.changed(state);
  }
}
