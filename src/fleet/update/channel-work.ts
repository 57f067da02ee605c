import { existsSync, rmSync } from 'node:fs';
import { messageOf, systemCode, UsherError } from '../../errors';
import type { Offer, ReleaseDocument, ReleaseVerifier, Transfer } from '../release';
import { ReleaseRefused } from '../refusal';
import type { Exclusive } from './exclusive';
import type { Slots } from './slots';
import { checkStaged } from './staged';
import { type Candidate, type Trial, TrialFailed, TrialPostponed, type UpdateTarget } from './trial';
import type { ChannelState, Installed } from './update-state';
import type { Failure, WorkKind } from './update-events';

export interface ChannelParts {
  readonly slots: Slots;
  readonly verifier: ReleaseVerifier;
  readonly transfer: Transfer;
  readonly target: UpdateTarget;
  /** One trial on the box at a time, so that two candidates cannot disturb each other. */
  readonly trials: Exclusive;
  readonly placeOf: (release: string) => number;
  /** Epoch ms that does not jump while the process lives. */
  readonly now: () => number;
  readonly random: () => number;
  /** Called after every change that is on disk, and for received bytes. */
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
 * Does the works of one channel: downloads, checks, tries and switches its candidate. It changes no state; it returns the facts that
 * the next state needs, and throws what went wrong (`failureOf`).
 */
export class ChannelWork {
  private trial: { readonly of: Trial; readonly document: string; readonly leave: () => void } | null = null;
  /** Of the transfer that is under way. */
  bytes: Bytes | null = null;

  constructor(
    private readonly channel: string,
    private readonly parts: ChannelParts,
    private readonly state: () => ChannelState,
  ) {}

  /** @param signal cuts the work off; what it returns then counts for nothing */
  async execute(
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
        // Checked again: a member may have been enrolled for the old encoder during the test.
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
    const { target, slots, verifier } = this.parts;
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
    // Exists after a kill between the last byte and its record; staging checks every byte again.
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
      // Deleted, so that a retry fetches it again: a disk may have damaged a correct transfer.
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
    // From here on a restarted box starts with it.
    slots.activate(this.channel, active);
    try {
      await trial.adopt(signal);
    } catch (error) {
      // If it is to be left anyway, that is separate work, with a report of its own.
      if (this.state().leaving === null) slots.revert(this.channel);
      throw error;
    }
    slots.sweep(this.channel, []);
    return { agreement: agreement ?? this.state().agreement };
  }

  private async revert(): Promise<void> {
    const { slots, target } = this.parts;
    const { active } = slots.revert(this.channel);
    await target.restore(this.channel, active === null ? null : slots.dirOf(this.channel, active));
  }

  private mindObstacles(): void {
    const obstacle = this.parts.target.obstacle(this.candidate);
    if (obstacle !== null) throw new TrialPostponed(obstacle.reason, obstacle.detail);
  }

  private get offer(): Offer {
    const { candidate } = this.state();
    if (candidate === null) throw new Error('work without a candidate');
    return candidate.offer;
  }

  private get candidate(): Candidate {
    const release = this.state().candidate?.release ?? null;
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

  /** Ends the trial, if there is one; what ran before is back in service then. */
  async endTrial(): Promise<void> {
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

/** Whose fault a failed work is, by the error. */
export function failureOf(error: unknown): Failure {
  const detail = messageOf(error);
  if (error instanceof ReleaseRefused)
    return { fault: error.again ? 'later' : 'release', reason: error.reason, detail };
  if (error instanceof TrialFailed) return { fault: error.unsure ? 'trial' : 'release', reason: error.reason, detail };
  if (error instanceof TrialPostponed) return { fault: 'postponed', reason: error.reason, detail };
  if (error instanceof UsherError) return { fault: 'box', reason: error.code, detail };
  // A system error comes from disk or network. Anything else is a defect in usher and must not be retried for ever.
  return { fault: systemCode(error) === undefined ? 'trial' : 'box', reason: 'internal', detail };
}
