import { drift } from './noise';

/** Where a figure is in one frame, in pixels of that frame. */
export interface Pose {
  readonly faceX: number;
  readonly faceY: number;
  readonly faceWidth: number;
  readonly rollRadians: number;
}

/** When a person's face is completely in the picture, seconds from the clip's start. */
export interface Visit {
  readonly fromS: number;
  readonly toS: number;
}

/** The script: empty, the stranger comes and goes, empty, the member comes and goes, empty. Seconds. */
export const SCRIPT = {
  stranger: { fromS: 2, toS: 9.5 },
  member: { fromS: 12.5, toS: 18.8 },
  durationS: 20,
} as const;

const ENTER_S = 1.2;
const APPROACH_S = 1.8;
const LEAVE_S = 1.1;
/** Face widths as parts of the frame's width: 90 px far and 200 px near, at 1280. */
const FAR = 90 / 1280;
const NEAR = 200 / 1280;
const GONE = 150 / 1280;

/**
 * The pose of a visitor at a time, or null while no person is there: comes in from the left, far away; walks up; waits,
 * swaying a little; leaves to the right.
 */
export function choreograph(visit: Visit, width: number, height: number, random: () => number) {
  const [swayX, swayY, swayRoll] = [drift(random, 0.3), drift(random, 0.23), drift(random, 0.27)];
  return (seconds: number): Pose | null => {
    const since = seconds - (visit.fromS - ENTER_S);
    const left = visit.toS + LEAVE_S - seconds;
    if (since <= 0 || left <= 0) return null;
    const entered = ease(since / ENTER_S);
    const near = ease((since - ENTER_S) / APPROACH_S);
    const leaving = ease(1 - left / LEAVE_S);
    const size = (FAR + (NEAR - FAR) * near) * (1 - leaving) + GONE * leaving;
    const x = -0.12 + 0.5 * entered + 0.13 * near + 0.66 * leaving;
    // Each step lifts the head. A person who stands only sways.
    const walking = Math.max(1 - near, leaving);
    const bob = 0.006 * walking * Math.sin(2 * Math.PI * 1.9 * since);
    return {
      faceX: width * (x + 0.008 * swayX(seconds)),
      faceY: height * (0.36 + 0.04 * near + bob + 0.007 * swayY(seconds)),
      faceWidth: width * size * (1 + 0.02 * swayY(seconds + 7)),
      rollRadians: ((3 * swayRoll(seconds) + 2 * walking * Math.sin(2 * Math.PI * 0.95 * since)) * Math.PI) / 180,
    };
  };
}

function ease(t: number): number {
  const x = Math.max(0, Math.min(1, t));
  return x * x * (3 - 2 * x);
}
