import { messageOf } from '../../errors';
import { type Bytes, type ChannelParts, ChannelWork, failureOf } from './channel-work';
import { UPDATE_LIMITS } from './update-limits';
import type { ChannelState } from './update-state';
import { step } from './update-step';
import { begun, workOf } from './due-work';
import { DEADLINE, type Facts, type UpdateEvent, type DesiredOffer, type WorkKind } from './update-events';

/**
 * One channel of this box: does what is due (`workOf`), feeds the outcome to `step`, writes the state down, and so on until nothing
 * is due. Nothing is done on a state that is not on disk.
 *
 * Invariants: one work at a time; a work that the state no longer asks for is cut off, and its outcome counts for nothing; a trial
 * ends before the next work that is no part of it begins.
 */
export class ChannelUpdater {
  private current: ChannelState;
  private readonly work: ChannelWork;
  /** What is under way. */
  private running: { readonly kind: WorkKind; readonly abort: AbortController } | null = null;
  /** Null: nothing is wanted. Undefined: not known yet. */
  private desired: DesiredOffer | null | undefined;
  private timer: NodeJS.Timeout | null = null;
  private looping: Promise<void> | null = null;
  /** An event came in while the loop was busy, perhaps about to end. */
  private again = false;
  private stopped = false;

  constructor(
    readonly channel: string,
    private readonly parts: ChannelParts,
  ) {
    this.current = parts.slots.state(channel, parts.now());
    this.work = new ChannelWork(channel, parts, () => this.current);
  }

  get state(): ChannelState {
    return this.current;
  }

  /** Of the transfer that is under way. */
  get bytes(): Bytes | null {
    return this.work.bytes;
  }

  start(): void {
    this.parts.slots.prepare(this.channel);
    this.feed({ type: 'boot' });
    this.go();
  }

  /** What the fleet wants of this channel now; null: nothing. */
  want(desired: DesiredOffer | null): void {
    this.desired = desired;
    this.feed({ type: 'wanted', desired });
    this.go();
  }

  rollback(reason: string, detail: string): void {
    this.feed({ type: 'rollback', reason, detail });
    this.go();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.running?.abort.abort();
    await this.looping;
    await this.work.endTrial();
  }

  private facts(): Facts {
    const { slots, now, random, placeOf } = this.parts;
    return { now: now(), random: random(), active: slots.pointer(this.channel).active, placeOf };
  }

  /** Applies an event and stores the new state; work that is no longer due is cancelled. */
  private feed(event: UpdateEvent): void {
    this.enter(step(this.current, event, this.facts()));
  }

  private enter(next: ChannelState): void {
    if (next === this.current) return;
    this.parts.slots.saveState(next);
    const before = this.current;
    this.current = next;
    if (next.state !== before.state || next.reason !== before.reason) this.tell(next);
    const due = workOf(next, this.facts()).kind;
    if (this.running !== null && this.running.kind !== due) this.running.abort.abort();
    this.parts.changed(this.channel);
  }

  private tell({ state, candidate, reason, detail, attempt }: ChannelState): void {
    const fields = {
      channel: this.channel,
      state,
      version: candidate?.offer.version ?? '',
      ...(reason === null ? {} : { reason, detail: detail ?? '', attempt }),
    };
    if (reason === null) this.parts.log.info('update', fields);
    else this.parts.log.warn('update', fields);
  }

  private go(): void {
    if (this.stopped) return;
    if (this.looping !== null) {
      this.again = true;
      return;
    }
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.looping = this.loop()
      .catch((error: unknown) => {
        // Only the disk fails here: an update must not continue from a state that cannot be stored.
        this.parts.log.warn(`updates wait: ${messageOf(error)}`, { channel: this.channel });
        this.sleep(UPDATE_LIMITS.retryMinMs * 5);
      })
      .finally(() => {
        this.looping = null;
        const again = this.again;
        this.again = false;
        if (again) this.go();
      });
  }

  private sleep(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => this.go(), Math.min(ms, 2 ** 31 - 1));
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const facts = this.facts();
      const due = workOf(this.current, facts);
      if (due.kind === 'none') {
        await this.work.endTrial();
        // An offer that came during a trial at the door is handled now.
        const before = this.current;
        if (this.desired !== undefined) this.feed({ type: 'wanted', desired: this.desired });
        if (this.current === before) return;
        continue;
      }
      if (due.kind === 'wait') return this.sleep(due.until - facts.now);
      await this.perform(due.kind, facts);
    }
  }

  private async perform(kind: WorkKind, facts: Facts): Promise<void> {
    const limit = UPDATE_LIMITS.deadlineMs[kind] + (kind === 'watch' ? this.parts.probationMs : 0);
    this.enter(begun(this.current, facts, limit));
    const abort = new AbortController();
    this.running = { kind, abort };
    const patience = { over: false };
    const left = (this.current.deadline ?? 0) - this.parts.now();
    const timer = setTimeout(
      () => {
        patience.over = true;
        abort.abort();
      },
      Math.max(0, Math.min(left, 2 ** 31 - 1)),
    );
    let outcome: UpdateEvent | null = null;
    try {
      outcome = { type: 'done', work: kind, ...(await this.work.execute(kind, abort.signal)) };
    } catch (error) {
      const failure = patience.over
        ? { fault: 'box' as const, reason: DEADLINE, detail: `not ${kind} in time` }
        : failureOf(error);
      outcome = { type: 'failed', work: kind, ...failure };
    } finally {
      clearTimeout(timer);
      this.running = null;
      this.work.bytes = null;
    }
    if (abort.signal.aborted && !patience.over) {
      // Cancelled by an event that changed the state, or by the end of the process: the result is dropped.
      if (!this.stopped) await this.work.endTrial();
      return;
    }
    // The previous version is back in service before anything is reported or stored.
    if (outcome.type === 'failed') await this.work.endTrial();
    this.feed(outcome);
    if (outcome.type === 'done' && kind === 'watch') await this.work.endTrial();
  }
}
