import type { Liveness, LivenessState } from '../events';
import type { DenialReason } from './reasons';

/** The vocabulary of the door automaton: its settings, events, state and decisions. All of it plain data. */

/** `card` needs no face. */
export type DoorMode = 'verify' | 'identify' | 'either' | 'card';

export interface DoorSettings {
  readonly mode: DoorMode;
  /** L2 distances: accept at or below. `identify` is already stricter, for the number of members. */
  readonly verifyDistance: number;
  readonly identifyDistance: number;
  /** A looser limit for a single frame, which is noisier than the fused embedding. */
  readonly frameDistance: number;
  readonly margin: number;
  readonly votes: number;
  readonly voteWindowMs: number;
  /** Frames that were taken closer together than this count as one vote. */
  readonly voteSpacingMs: number;
  readonly deadlineMs: number;
  readonly approachMs: number;
  readonly cooldownMs: number;
  readonly absentMs: number;
  /**
   * Delay of the camera: it shows an event this much later. Faces carry the time at which they were taken; ticks and
   * swipes carry the present time.
   */
  readonly latencyMs: number;
  readonly liveness: DoorLiveness;
}

/** How the door uses a liveness verdict. `require`: a grant by face needs `live`; nothing else is enough. */
export interface DoorLiveness {
  readonly mode: 'off' | 'advise' | 'require';
  /** Number of judged frames of the track that the verdict needs. */
  readonly frames: number;
  /** `require`: the head must have turned like a real head. */
  readonly motion: 'watch' | 'require';
}

/** Distance of one frame's face to one member. */
export interface Nearness {
  readonly member: string;
  /** Distance of the track's fused embedding, and of the frame's own. */
  readonly distance: number;
  readonly frameDistance: number;
}

export type FaceEvidence =
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'encoded';
      /** The nearest persons, nearest first; at least two where two are enrolled. */
      readonly nearest: readonly Nearness[];
      /** Distance to the member whose card was swiped; null without a card. */
      readonly claimed: Nearness | null;
    };

export type DoorEvent =
  | { readonly type: 'swipe'; readonly at: number; readonly reader: string; readonly standing: MemberStanding }
  | {
      readonly type: 'face';
      readonly at: number;
      readonly track: number;
      readonly evidence: FaceEvidence;
      /** The track's verdict at this frame. Undefined counts as absent. */
      readonly liveness?: Liveness;
    }
  | { readonly type: 'empty'; readonly at: number }
  | { readonly type: 'camera'; readonly at: number; readonly live: boolean }
  | { readonly type: 'store'; readonly at: number; readonly available: boolean }
  /** The last grant was not carried out because it could not be recorded. */
  | { readonly type: 'withheld'; readonly at: number }
  | { readonly type: 'shutdown'; readonly at: number }
  | { readonly type: 'tick'; readonly at: number };

/** What the store knows about a swiped identifier. `duress`: the member uses it under threat. */
export type MemberStanding = (
  | { readonly kind: 'active'; readonly member: string }
  | { readonly kind: 'refused'; readonly member: string | null; readonly reason: DenialReason }
) & { readonly duress?: boolean };

/**
 * Who may pass, apart from evidence. Asked before a swipe is accepted (`member` null: the card names no one who could
 * pass) and before every grant. `earlier` are the decisions that the same event has already caused.
 */
export interface Gate {
  readonly atSwipe: (
    passing: { readonly reader: string; readonly member: string | null },
    earlier: readonly Decision[],
  ) => DenialReason | null;
  readonly atGrant: (
    passing: { readonly reader: string | null; readonly member: string },
    earlier: readonly Decision[],
  ) => DenialReason | null;
}

export const OPEN_GATE: Gate = { atSwipe: () => null, atGrant: () => null };

export interface Claim {
  readonly member: string;
  readonly reader: string;
  readonly since: number;
}

/** What was seen since a claim or an approach began. It gives the reason if there is no grant. */
export interface Seen {
  readonly refused: number;
  readonly encoded: number;
  readonly ambiguous: number;
  readonly agreeing: number;
  /** Number of frames in which a door that requires liveness found a picture, … */
  readonly fake: number;
  /** … and of those that had everything for a grant except a verdict. */
  readonly unproven: number;
  /** The last verdict. */
  readonly liveness: LivenessState | null;
  /** Smallest fused distance to the claimed or nearest member. */
  readonly nearest: number | null;
  readonly cameraLost: boolean;
  /**
   * Number of faces so far, how many came too late after the one before to vote with it, and when the last was taken.
   */
  readonly faces: number;
  readonly far: number;
  readonly lastAt: number | null;
}

export interface Approach {
  readonly track: number;
  readonly since: number;
  readonly lastFaceAt: number;
  readonly seen: Seen;
  /** A decision was taken on this track. There is no further decision until it leaves. */
  readonly settled: boolean;
}

export interface Ballot {
  readonly track: number;
  readonly member: string;
  /** Times of the agreeing frames within the window, oldest first. */
  readonly times: readonly number[];
}

export interface DoorState {
  readonly claim: Claim | null;
  readonly claimSeen: Seen;
  readonly approach: Approach | null;
  readonly ballot: Ballot | null;
  readonly cooldownUntil: number;
  /** The person admitted last: until the cooldown ends, this face in view is a person passing. */
  readonly passing: string | null;
  readonly storeAvailable: boolean;
  readonly cameraLive: boolean;
}

export interface DecisionEvidence {
  readonly distance: number | null;
  /** Null if no face was needed. */
  readonly threshold: number | null;
  readonly votes: number;
  /** The last verdict on the face; undefined if liveness is off or no face was seen. */
  readonly liveness?: LivenessState;
}

export type Decision = DecisionEvidence & {
  readonly at: number;
  /** The door's mode at that time. */
  readonly mode: DoorMode;
  readonly trigger: 'swipe' | 'face' | 'order';
  readonly reader: string | null;
  /** When the swipe or the approach began: the difference to `at` is the person's waiting time. */
  readonly since: number;
} & (
    | { readonly outcome: 'granted'; readonly reason: 'match' | 'card'; readonly member: string }
    /** A door that an order keeps open, for this long. */
    | { readonly outcome: 'granted'; readonly reason: 'hold-open'; readonly member: null; readonly unlockMs: number }
    | { readonly outcome: 'denied'; readonly reason: DenialReason; readonly member: string | null }
  );

export interface Step {
  readonly state: DoorState;
  readonly decisions: readonly Decision[];
}

export const NOTHING_SEEN: Seen = {
  refused: 0,
  encoded: 0,
  ambiguous: 0,
  agreeing: 0,
  fake: 0,
  unproven: 0,
  liveness: null,
  nearest: null,
  cameraLost: false,
  faces: 0,
  far: 0,
  lastAt: null,
};

export const CLOSED_DOOR: DoorState = {
  claim: null,
  claimSeen: NOTHING_SEEN,
  approach: null,
  ballot: null,
  cooldownUntil: -Infinity,
  passing: null,
  storeAvailable: true,
  cameraLive: false,
};
