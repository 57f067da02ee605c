import type { Liveness, LivenessState } from '../events';
import type { DenialReason } from './reasons';

/** The vocabulary of the door automaton: its settings, events, state and decisions. All of it plain data. */

/** `card` asks for no face at all. */
export type DoorMode = 'verify' | 'identify' | 'either' | 'card';

export interface DoorSettings {
  readonly mode: DoorMode;
  /** L2 distances: accept at or under. `identify` is already tightened for the number of members. */
  readonly verifyDistance: number;
  readonly identifyDistance: number;
  /** Looser bound for the single frame, which is noisier than the fused embedding. */
  readonly frameDistance: number;
  readonly margin: number;
  readonly votes: number;
  readonly voteWindowMs: number;
  /** Frames that were taken closer to one another than this are one vote: they are one look. */
  readonly voteSpacingMs: number;
  readonly deadlineMs: number;
  readonly approachMs: number;
  readonly cooldownMs: number;
  readonly absentMs: number;
  /** Delay of the camera: what happens now is seen so much later. Faces bear the time at which they were taken, ticks and swipes that of now. */
  readonly latencyMs: number;
  readonly liveness: DoorLiveness;
}

/** What the door makes of a verdict on liveness. `require`: a grant by face needs `live`; whatever else it is, is not that. */
export interface DoorLiveness {
  readonly mode: 'off' | 'advise' | 'require';
  /** Judged frames of the track that the verdict must rest on. */
  readonly frames: number;
  /** `require`: the head must have turned as a head does. */
  readonly motion: 'watch' | 'require';
}

/** How near the face of one frame is to one member. */
export interface Nearness {
  readonly member: string;
  /** Of the track's fused embedding, and of the frame's own. */
  readonly distance: number;
  readonly frameDistance: number;
}

export type FaceEvidence =
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'encoded';
      /** The nearest persons, nearest first; at least two where two are enrolled. */
      readonly nearest: readonly Nearness[];
      /** Nearness to the member whose card was swiped, when one was. */
      readonly claimed: Nearness | null;
    };

export type DoorEvent =
  | { readonly type: 'swipe'; readonly at: number; readonly reader: string; readonly standing: MemberStanding }
  | {
      readonly type: 'face';
      readonly at: number;
      readonly track: number;
      readonly evidence: FaceEvidence;
      /** Of the track, at this frame; left out: absent. */
      readonly liveness?: Liveness;
    }
  | { readonly type: 'empty'; readonly at: number }
  | { readonly type: 'camera'; readonly at: number; readonly live: boolean }
  | { readonly type: 'store'; readonly at: number; readonly available: boolean }
  /** The last grant was not carried out: it could not be recorded. */
  | { readonly type: 'withheld'; readonly at: number }
  | { readonly type: 'shutdown'; readonly at: number }
  | { readonly type: 'tick'; readonly at: number };

/** What the store says of a swiped identifier. `duress`: it is one that the member uses under threat. */
export type MemberStanding = (
  | { readonly kind: 'active'; readonly member: string }
  | { readonly kind: 'refused'; readonly member: string | null; readonly reason: DenialReason }
) & { readonly duress?: boolean };

/**
 * Who may pass, as far as it is no matter of evidence: asked before a swipe goes on (`member` null: the card names nobody
 * who could) and before every grant. `earlier` are the decisions that the same event has already brought about.
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

/** What was seen since a claim or an approach began; it names the reason when nothing comes of it. */
export interface Seen {
  readonly refused: number;
  readonly encoded: number;
  readonly ambiguous: number;
  readonly agreeing: number;
  /** Frames on which a door that requires liveness found a picture, … */
  readonly fake: number;
  /** … and those on which all was there for a grant but a verdict. */
  readonly unproven: number;
  /** The last verdict. */
  readonly liveness: LivenessState | null;
  /** Smallest fused distance to the claimed or nearest member. */
  readonly nearest: number | null;
  readonly cameraLost: boolean;
  /** Faces so far, how many of them came too long after the one before to vote with it, and when the last was taken. */
  readonly faces: number;
  readonly far: number;
  readonly lastAt: number | null;
}

export interface Approach {
  readonly track: number;
  readonly since: number;
  readonly lastFaceAt: number;
  readonly seen: Seen;
  /** A decision was taken on this track; nothing more is said of it until it leaves. */
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
  /** Who was let in last: until the cooldown ends, this face in view is somebody passing. */
  readonly passing: string | null;
  readonly storeAvailable: boolean;
  readonly cameraLive: boolean;
}

export interface DecisionEvidence {
  readonly distance: number | null;
  /** Null where no face was asked for. */
  readonly threshold: number | null;
  readonly votes: number;
  /** The last verdict on the face; left out where liveness is off or no face was seen. */
  readonly liveness?: LivenessState;
}

export type Decision = DecisionEvidence & {
  readonly at: number;
  /** What the door asked for at that time. */
  readonly mode: DoorMode;
  readonly trigger: 'swipe' | 'face' | 'order';
  readonly reader: string | null;
  /** When the swipe or the approach began: the difference to `at` is what the person waited. */
  readonly since: number;
} & (
    | { readonly outcome: 'granted'; readonly reason: 'match' | 'card'; readonly member: string }
    /** A door that is kept open by an order, for so long. */
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
