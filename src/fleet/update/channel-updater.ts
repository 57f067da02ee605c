import { existsSync, rmSync } from 'node:fs';
import { messageOf, systemCode, UsherError } from '../../errors';
import type { Exclusive } from './exclusive';
import { type Offer, type ReleaseDocument, ReleaseRefused, type ReleaseVerifier, type Transfer } from '../release';
import type { Slots } from './slots';
import { checkStaged } from './staged';
import { type Candidate, type Trial, TrialFailed, type UpdateTarget, TrialPostponed } from './trial';
import { UPDATE_LIMITS } from './update-limits';
import type { ChannelState, Installed } from './update-state';
import {
  begun,
  DEADLINE,
  type Facts,
  type Failure,
  step,
  type UpdateEvent,
  type DesiredOffer,
  type WorkKind,
  workOf,
} from './update-step';

export interface ChannelParts {
  readonly slots: Slots;
  readonly verifier: ReleaseVerifier;
  readonly transfer: Transfer;
  readonly target: UpdateTarget;
  /** One trial on the box at a time: what two candidates do to each other is neither's fault. */
  readonly trials: Exclusive;
  readonly placeOf: (release: string) => number;
  /** Epoch ms that does not jump while the process lives. */
  readonly now: () => number;
  readonly random: () => number;
  /** Told after every change that is on disk, and of bytes that came. */
  readonly changed: (channel: string) => void;
  readonly log: { info(message: string, fields?: LogFields): void; warn(message: string, fields?: LogFields): void };
  readonly probationMs: number;
}
type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Bytes {
  readonly have: number;
  readonly total: number;
}

/**
 * One channel of this box: does what is due (`workOf`), feeds the outcome to `step`, writes the state down, and so on until nothing
 * is due. Nothing is done on a state that is not on disk.
 *
 * Invariants: one work at a time; a work that the state no longer asks for is cut off, and its outcome counts for nothing; a trial
 * ends before the next work that is no part of it begins.
 */
export class ChannelUpdater {
  private current: ChannelState;
  private trial: { readonly of: Trial; readonly document: string; readonly leave: () => void } | null = null;
  private work: { readonly kind: WorkKind; readonly abort: AbortController } | null = null;
  /** Null: nothing is wanted. Undefined: nobody has said yet. */
  private desired: DesiredOffer | null | undefined;
  private timer: NodeJS.Timeout | null = null;
  private looping: Promise<void> | null = null;
  /** Something came in while the loop was busy, perhaps on its way out. */
  private again = false;
  private stopped = false;
  /** Of the transfer that is under way. */
  bytes: Bytes | null = null;

  constructor(
    readonly channel: string,
    private readonly parts: ChannelParts,
  ) {
    this.current = parts.slots.state(channel, parts.now());
  }

  get state(): ChannelState {
    return this.current;
  }

  start(): void {
    this.parts.slots.prepare(this.channel);
    this.feed({ type: 'boot' });
    this.go();
  }

  /** What the fleet wants of this channel now; null: nothing. */
  want(desired: DesiredOffer | null): void {
    this.desired = desired;
    this.feed({ type: 'wanted', desired: desired });
    this.go();
  }

  rollback(reason: string, detail: string): void {
    this.feed({ type: 'rollback', reason, detail });
    this.go();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.work?.abort.abort();
    await this.looping;
    await this.endTrial();
  }

  private facts(): Facts {
    const { slots, now, random, placeOf } = this.parts;
    return { now: now(), random: random(), active: slots.pointer(this.channel).active, placeOf };
  }

  /** Takes an event in and writes the new state down; what is under way and no longer due is cut off. */
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
    if (this.work !== null && this.work.kind !== due) this.work.abort.abort();
    this.parts.changed(this.channel);
  }

  private tell({ state, candidate, reason, detail, attempt }: ChannelState): void {
    const fields = {
      ...{ channel: this.channel, state, version: candidate?.offer.version ?? '' },
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
        // The disk alone fails here: a state that cannot be written is not gone on from.
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
        await this.endTrial();
        // An offer that came while a candidate was tried at the door has its turn now.
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
    this.work = { kind, abort };
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
      outcome = { type: 'done', work: kind, ...(await this.execute(kind, abort.signal)) };
    } catch (error) {
      const failure = patience.over
        ? { fault: 'box' as const, reason: DEADLINE, detail: `not ${kind} in time` }
        : failureOf(error);
      outcome = { type: 'failed', work: kind, ...failure };
    } finally {
      clearTimeout(timer);
      this.work = null;
      this.bytes = null;
    }
    if (abort.signal.aborted && !patience.over) {
      // Cut off by an event that changed the state, or by the end of the process: this outcome is of the past.
      if (!this.stopped) await this.endTrial();
      return;
    }
    // What ran before is back in service before anything is said or written.
    if (outcome.type === 'failed') await this.endTrial();
    this.feed(outcome);
    if (outcome.type === 'done' && kind === 'watch') await this.endTrial();
  }

  private async execute(
    kind: WorkKind,
    signal: AbortSignal,
  ): Promise<{ release?: ReleaseDocument; agreement?: number | null }> {
    switch (kind) {
      case 'verify':
        return this.verify(signal);
      case 'transfer':
        await this.fetch(signal);
        return {};
      case 'stage':
        await this.stage();
        return {};
      case 'test':
        return this.test(signal);
      case 'switch': {
        // Again: a member may have been enrolled for the old encoder while the new one was tested.
        this.mindObstacles();
        await this.trialOf().switch(signal);
        return {};
      }
      case 'settle':
        await (await this.resumed()).settle(signal);
        return {};
      case 'watch':
        return this.watch(signal);
      case 'revert':
        await this.revert();
        return {};
    }
  }

  private async verify(signal: AbortSignal): Promise<{ release: ReleaseDocument }> {
    const { target: target, slots, verifier } = this.parts;
    const running = target.running(this.channel);
    if (running === null) throw new TrialPostponed('no-such-channel', `this box runs nothing on ${this.channel}`);
    const { active } = slots.pointer(this.channel);
    const { release } = await verifier.verify(
      this.offer,
      { serial: active?.serial ?? 0, version: active?.version ?? running.version, space: running.space },
      signal,
    );
    return { release };
  }

  private async fetch(signal: AbortSignal): Promise<void> {
    const { slots, transfer } = this.parts;
    const { dir, release } = this.candidate;
    // There after a kill between the last byte and the note of it; staging looks at every byte again.
    if (existsSync(dir)) return;
    const verified = { offer: this.offer, release };
    slots.sweep(this.channel, [release]);
    await transfer.fetch(
      verified,
      dir,
      ({ have, total }) => {
        this.bytes = { have, total };
        this.parts.changed(this.channel);
      },
      signal,
    );
  }

  private async stage(): Promise<void> {
    const { dir, release } = this.candidate;
    const running = this.parts.target.running(this.channel);
    try {
      await checkStaged(release, dir, running?.dir ?? null);
    } catch (error) {
      // Removed, so that a retry fetches it anew: a disk may have spoilt what the network brought whole.
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
    await this.parts.transfer.forget(release.archive.sha256);
  }

  private async test(signal: AbortSignal): Promise<{ agreement: number | null }> {
    const { candidate } = this;
    await this.endTrial();
    if (!existsSync(candidate.dir)) throw new TrialFailed('invalid', 'the release is gone from its slot');
    const leave = await this.parts.trials.enter();
    if (signal.aborted) {
      leave();
      signal.throwIfAborted();
    }
    this.trial = { of: this.parts.target.begin(candidate), document: this.offer.document.sha256, leave };
    return { agreement: (await this.trial.of.test(signal)).agreement };
  }

  private async watch(signal: AbortSignal): Promise<{ agreement: number | null }> {
    const trial = await this.resumed();
    const { agreement } = await trial.watch(signal);
    const { slots, now } = this.parts;
    const { release } = this.candidate;
    const { serial, version, kind, id } = release;
    const active: Installed = { release: id, serial, version, kind, document: this.offer.document.sha256, at: now() };
    // From here on a box that starts anew starts with it.
    slots.activate(this.channel, active);
    try {
      await trial.adopt(signal);
    } catch (error) {
      // Where it is to be left anyway, that is a work of its own, and told.
      if (this.current.leaving === null) slots.revert(this.channel);
      throw error;
    }
    slots.sweep(this.channel, []);
    return { agreement: agreement ?? this.current.agreement };
  }

  private async revert(): Promise<void> {
    const { slots, target: target } = this.parts;
    const { active } = slots.revert(this.channel);
    await target.restore(this.channel, active === null ? null : slots.dirOf(this.channel, active));
  }

  private mindObstacles(): void {
    const obstacle = this.parts.target.obstacle(this.candidate);
    if (obstacle !== null) throw new TrialPostponed(obstacle.reason, obstacle.detail);
  }

  private get offer(): Offer {
    if (this.current.candidate === null) throw new Error('work without a candidate');
    return this.current.candidate.offer;
  }

  private get candidate(): Candidate {
    const release = this.current.candidate?.release ?? null;
    if (release === null) throw new Error('work on a release that was not verified');
    return { channel: this.channel, release, dir: this.parts.slots.dirOf(this.channel, release) };
  }

  private trialOf(): Trial {
    if (this.trial?.document !== this.offer.document.sha256) throw new Error('a switch without a test');
    return this.trial.of;
  }

  /** The trial, or, in a process that was started to try a configuration, the one that goes on. */
  private async resumed(): Promise<Trial> {
    if (this.trial === null) {
      const leave = await this.parts.trials.enter();
      this.trial = { of: this.parts.target.begin(this.candidate), document: this.offer.document.sha256, leave };
    }
    return this.trialOf();
  }

  private async endTrial(): Promise<void> {
    const { trial } = this;
    if (trial === null) return;
    this.trial = null;
    try {
      await trial.of.end();
    } catch (error) {
      this.parts.log.warn(`ending a trial: ${messageOf(error)}`, { channel: this.channel });
    } finally {
      trial.leave();
    }
  }
}

function failureOf(error: unknown): Failure {
  const detail = messageOf(error);
  if (error instanceof ReleaseRefused)
    return { fault: error.again ? 'later' : 'release', reason: error.reason, detail };
  if (error instanceof TrialFailed) return { fault: error.unsure ? 'trial' : 'release', reason: error.reason, detail };
  if (error instanceof TrialPostponed) return { fault: 'postponed', reason: error.reason, detail };
  if (error instanceof UsherError) return { fault: 'box', reason: error.code, detail };
  // A system error is the disk's or the network's. Anything else is a defect of ours; it must not be tried in a circle.
  return { fault: systemCode(error) === undefined ? 'trial' : 'box', reason: 'internal', detail };
}
