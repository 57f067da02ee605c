/** Limits for a picture that cannot show a person, and how long it must last. Luma is 0..255. */
export const PICTURE_LIMITS = {
  /** How often a picture is measured, and how often while it shows nothing, ms: a person who uncovers the lens wants to come in. */
  measureEveryMs: 1000,
  measureBlindEveryMs: 200,
  /** A step of luma between neighbours that counts as detail; noise of a dark sensor has 2 to 6. */
  detailStep: 16,
  /** Share of places with detail below which a picture shows nothing. Empty corridors have 1 % and more. */
  minDetail: 0.002,
  /** Mean luma below which a picture that shows nothing is black. */
  blackBelow: 16,
  /** Sharpness against the reference. A Gaussian blur of 2 pixels leaves about .4. */
  minFocusShare: 0.5,
  /** Likeness (correlation of edges) to the reference. The same place by day and by night has more than .5. */
  minLikeness: 0.3,
  /** So many blocks of the picture must change by so much of luma for something to have moved: see `MotionGrid`. */
  movedBlocks: 10,
  movedLuma: 4,
  /** It must last so long before it is reported, ms: a hand before the lens, a group of people, headlights. */
  settleMs: { black: 3000, covered: 3000, blurred: 60_000, moved: 120_000 },
  /** Changed frames after which a picture that stood still counts as alive again. */
  aliveFrames: 3,
  /** Restarts of a frozen camera come at growing intervals, at most so long, ms. */
  longestPatienceMs: 3_600_000,
} as const;
