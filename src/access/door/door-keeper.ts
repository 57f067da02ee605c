import type { DoorConfig } from '../../config/schema/doors';
import type { Observation, Subject } from '../../events';
import { type AdaptionCase, strictDistance } from '../members/adaption';
import {
  CLOSED_DOOR,
  type Decision,
  type DoorEvent,
  type DoorMode,
  type DoorSettings,
  type FaceEvidence,
  type Nearness,
} from '../door-types';
import { isTimely } from '../frame-age';
import { type PolicyKeeper } from './policy-keeper';
import type { Roster } from '../members/roster';
import { distanceFor, oneToMany, type ThresholdRow } from '../members/thresholds';

/** Shorter than the frame interval at 30 fps; with faster cameras every second or third frame votes. */
const VOTE_SPACING_MS = 30;
/** A single frame may be this much less certain than the fused embedding, in which noise and blur average out. */
const FRAME_FMR_FACTOR = 100;
const LOOSEST_FRAME_FMR = 0.01;

export type DoorPhase =
  'closed' | 'awaiting-face' | 'identifying' | 'cooldown' | 'out-of-service' | 'locked-down' | 'held-open';
export const DOOR_PHASES: readonly DoorPhase[] = [
  'closed',
  'awaiting-face',
  'identifying',
  'cooldown',
  'out-of-service',
  'locked-down',
  'held-open',
];

/**
 * The thresholds of one door: the target itself for verification, stricter by the number of members for identification.
 * @param scene what the door's camera sees; null if unknown
 */
export function doorSettings(
  door: DoorConfig,
  table: readonly ThresholdRow[],
  members: number,
  scene: string | null = null,
  latencyMs = 0,
): DoorSettings {
  const targetFmr = targetIn(door, scene);
  return {
    ...door,
    latencyMs,
    voteSpacingMs: VOTE_SPACING_MS,
    liveness: { ...door.liveness, mode: door.liveness.mode === 'auto' ? 'advise' : door.liveness.mode },
    verifyDistance: distanceFor(table, targetFmr),
    identifyDistance: oneToMany(table, targetFmr, members),
    frameDistance: distanceFor(table, Math.min(LOOSEST_FRAME_FMR, targetFmr * FRAME_FMR_FACTOR)),
  };
}

/** An unknown scene must not count as the lenient one. */
function targetIn({ targetFmr, scenes }: DoorConfig, scene: string | null): number {
  if (scene !== null) return scenes[scene]?.targetFmr ?? targetFmr;
  return Math.min(targetFmr, ...Object.values(scenes).map((other) => other.targetFmr));
}

/**
 * Runs one door's automaton: searches the gallery for what the camera saw, and keeps the state between events. Times
 * are the machine's monotonic ms.
 */
export class DoorKeeper {
  private state = CLOSED_DOOR;
  private settingsFor: {
    readonly members: number;
    readonly mode: DoorMode;
    readonly scene: string | null;
    readonly settings: DoorSettings;
  } | null = null;
  private scene: string | null = null;

  constructor(
    readonly door: DoorConfig,
    private readonly roster: Roster,
    private table: readonly ThresholdRow[],
    private readonly policy: PolicyKeeper,
    /** Delay of the door's camera, ms. */
    private readonly latencyMs = 0,
  ) {}

  /** Uses the thresholds of another encoder's card, or new ones of the same. */
  useTable(table: readonly ThresholdRow[]): void {
    this.table = table;
    this.settingsFor = null;
  }

  get settings(): DoorSettings {
    const members = this.roster.size;
    const mode = this.policy.mode(this.door.id);
    const { scene } = this;
    const known = this.settingsFor;
    if (known?.members === members && known.mode === mode && known.scene === scene) return known.settings;
    const settings = { ...doorSettings(this.door, this.table, members, scene, this.latencyMs), mode };
    this.settingsFor = { members, mode, scene, settings };
    return settings;
  }

  /** Limits for a face of this door to become a template. A lenient scene does not relax them. */
  get adaption(): Pick<AdaptionCase, 'liveness' | 'strict' | 'margin'> {
    const { margin, liveness } = this.settings;
    const strict = strictDistance(this.table, [targetIn(this.door, null)]);
    return { liveness: liveness.mode, strict, margin };
  }

  /** The scene that the camera sees; null if no longer known. */
  see(scene: string | null): void {
    this.scene = scene;
  }

  phase(now: number): DoorPhase {
    const { state } = this;
    const standing = this.policy.standing(this.door.id);
    if (standing !== 'normal') return standing;
    if (!state.storeAvailable || (!state.cameraLive && this.settings.mode !== 'card')) return 'out-of-service';
    if (state.claim !== null) return 'awaiting-face';
    if (now < state.cooldownUntil) return 'cooldown';
    const { mode } = this.settings;
    return (mode === 'identify' || mode === 'either') && state.approach !== null && !state.approach.settled
      ? 'identifying'
      : 'closed';
  }

  /** @throws UsherError `data-invalid` for vectors that cannot be compared; the frame then does not count */
  observe(observation: Observation, now: number): readonly Decision[] {
    const at = observation.mono;
    if (!isTimely(at, now, this.latencyMs)) return this.feed({ type: 'tick', at: now });
    const { subject } = observation;
    if (subject === null) return this.feed({ type: 'empty', at });
    const { track, liveness } = subject;
    return this.feed({ type: 'face', at, track, evidence: this.evidenceOf(subject, observation.space), liveness });
  }

  /** @throws UsherError `store-unavailable`; the caller then sets `storeAvailable` to false and repeats the swipe */
  swipe(reader: string, identifier: string, at: number): readonly Decision[] {
    return this.feed({ type: 'swipe', at, reader, standing: this.roster.standingOf(identifier) });
  }

  feed(event: DoorEvent): readonly Decision[] {
    const { state, decisions } = this.policy.step(this.door.id, this.state, event, this.settings);
    this.state = state;
    return decisions;
  }

  private evidenceOf(subject: Subject, space: string): FaceEvidence {
    const { embedding, fused } = subject;
    if (embedding === null || fused === null) return { kind: 'refused' };
    const { gallery } = this.roster;
    const nearnessTo = (member: string, distance: number): Nearness => ({
      member,
      distance,
      frameDistance: gallery.distanceTo(member, { space, vector: embedding }) ?? Infinity,
    });
    const { claim } = this.state;
    if (claim !== null) {
      const distance = gallery.distanceTo(claim.member, { space, vector: fused });
      return { kind: 'encoded', nearest: [], claimed: distance === null ? null : nearnessTo(claim.member, distance) };
    }
    const { mode } = this.settings;
    if (mode === 'verify' || mode === 'card') return { kind: 'encoded', nearest: [], claimed: null };
    const nearest = gallery.search({ space, vector: fused }, 2);
    return {
      kind: 'encoded',
      nearest: nearest.map(({ member, distance }) => nearnessTo(member, distance)),
      claimed: null,
    };
  }
}
