import type { Heard } from '../../support/daemon';
import type { Door } from './storm-site';

/** `obeyed 3; refused expired 4, rate 1` */
export function refusalsIn(detail: string): Record<string, number> {
  const [, list = ''] = /refused (.+)$/.exec(detail) ?? [];
  return Object.fromEntries(
    [...list.matchAll(/([a-z-]+) (\d+)/g)].map(([, reason, count]) => [String(reason), Number(count)]),
  );
}

/** What members asked for, what the lock did, and everything in which the two differ. */
export class Ledger {
  readonly violations: string[] = [];
  readonly opened: string[] = [];
  /** Unlocks that were held up until they were void. */
  readonly late = new Set<string>();
  /** As the actuator counted them, over all its runs. */
  readonly refused: Record<string, number> = {};
  private readonly granted = new Map<string, Door>();
  private readonly denied = new Set<string>();

  grant(decision: string, door: Door): void {
    this.granted.set(decision, door);
  }

  /** A decision that had to come, and opens nothing. */
  permit(decision: string): void {
    this.denied.add(decision);
  }

  /** A decision about a member who was not let in. */
  deny(decision: string, what: string): void {
    this.permit(decision);
    this.blame(what);
  }

  /** Unlocks of the front door that reached its actuator in time. */
  get inTime(): number {
    return [...this.granted.values()].filter((door) => door === 'front').length - this.late.size;
  }

  blame(what: string): void {
    this.violations.push(what);
  }

  /** Every decision of the box must be a member's: no attack on the swipe topics may have come to one. */
  checkDecisions(heard: readonly Heard[]): void {
    for (const { topic, payload } of heard)
      if (/\/event\/(front|side)\/decision$/.test(topic) && !this.isKnown(String(payload['decision'])))
        this.blame(`a decision that no member asked for: ${JSON.stringify(payload)}`);
  }

  private isKnown(decision: string): boolean {
    return this.granted.has(decision) || this.denied.has(decision);
  }

  /** Takes down what one run of the actuator did, from its log and its last count. */
  closeRun(log: string, health: string): void {
    for (const [, decision] of log.matchAll(/opened decision=(\S+)/g)) this.opened.push(decision!);
    for (const [reason, count] of Object.entries(refusalsIn(health)))
      this.refused[reason] = (this.refused[reason] ?? 0) + count;
  }

  checkOpenings(relayOn: number): void {
    const seen = new Set<string>();
    for (const decision of this.opened) {
      if (seen.has(decision)) this.blame(`opened twice for ${decision}`);
      if (this.granted.get(decision) !== 'front') this.blame(`opened for ${decision}, which is nobody's`);
      if (this.late.has(decision)) this.blame(`opened for what was late: ${decision}`);
      seen.add(decision);
    }
    for (const [decision, door] of this.granted)
      if (door === 'front' && !seen.has(decision) && !this.late.has(decision))
        this.blame(`granted, but not opened: ${decision}`);
    if (relayOn > this.opened.length)
      this.blame(`the relay was told on ${relayOn} times for ${this.opened.length} unlocks`);
  }
}
