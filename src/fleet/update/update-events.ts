import type { Offer, ReleaseDocument } from '../release';
import type { Installed } from './update-state';

/** The vocabulary of the updater's steps: works, events, failures and the facts for a step. All of it is plain data. */

/** The next work; each moves on by one state. Only `revert` leads back. */
export type WorkKind = 'verify' | 'transfer' | 'stage' | 'test' | 'switch' | 'settle' | 'watch' | 'revert';

/**
 * Whose fault a failure is. `release`: it goes into quarantine. `trial`: perhaps the release's, perhaps a busy machine's; it gets a
 * few tries. `box`: the network, the disk, or a person must do something first; retried as long as it is wanted.
 * `later`: refused, and the same bytes may be accepted later. `postponed`: the running process to compare with was not there.
 */
export type Fault = 'release' | 'trial' | 'box' | 'later' | 'postponed';

export interface Failure {
  readonly fault: Fault;
  readonly reason: string;
  readonly detail: string;
}

/** An offer, and the topic that it was received on. */
export interface DesiredOffer {
  readonly offer: Offer;
  readonly from: string;
}

export type UpdateEvent =
  | { readonly type: 'wanted'; readonly desired: DesiredOffer | null }
  | {
      readonly type: 'done';
      readonly work: WorkKind;
      readonly release?: ReleaseDocument;
      readonly agreement?: number | null;
    }
  | ({ readonly type: 'failed'; readonly work: WorkKind } & Failure)
  /** An operator at the box, or the fleet, wants the previous version back. */
  | { readonly type: 'rollback'; readonly reason: string; readonly detail: string }
  /** The process has started: its memory is lost. */
  | { readonly type: 'boot' };

/** Facts behind a step, in addition to the state. */
export interface Facts {
  /** Epoch ms. */
  readonly now: number;
  /** 0..1, for the jitter. */
  readonly random: number;
  /** What the channel starts with; null: the installed version. */
  readonly active: Installed | null;
  /** Place of this box in the rollout of a release, 0 to 9999. */
  readonly placeOf: (release: string) => number;
}

/** Reason of a failure by timeout only. */
export const DEADLINE = 'deadline';
