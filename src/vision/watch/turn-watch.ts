import type { Frame } from '../picture/frame';
import { QUARTER_TURNS, type Turn, turnedSize, turnFrame } from '../picture/turn';

type Quarter = Exclude<Turn['rotate'], 0>;
const TURNS = QUARTER_TURNS.filter((rotate): rotate is Quarter => rotate !== 0);

export const TURN_LIMITS = {
  /** Detection score from which a face stands upright beyond doubt: portraits .95, the same upside down .81 to .90. */
  uprightScore: 0.92,
  /** A turned picture must score by so much higher, and so high at least; portraits do by .03 and more. */
  margin: 0.03,
  leastScore: 0.8,
  /** How often a doubtful face, and a picture without one, is looked at in the three other turns, ms. */
  doubtfulEveryMs: 1000,
  emptyEveryMs: 10_000,
  /** So many looks in a row must agree before the camera is reported. */
  agreeing: 3,
} as const;

export interface TurnState {
  /** The turn in which the last looks found better faces, and how many of them in a row. */
  readonly rotate: Quarter | null;
  readonly agreeing: number;
}

export const UPRIGHT_SO_FAR: TurnState = { rotate: null, agreeing: 0 };

/** One look: the score as the picture is, and in each of the other turns. A picture without any face says nothing. */
export function stepTurn(before: TurnState, asItIs: number, turned: ReadonlyMap<Quarter, number>): TurnState {
  let best: Quarter | null = null;
  let score = 0;
  for (const [rotate, its] of turned) if (its > score) [best, score] = [rotate, its];
  if (best === null && asItIs === 0) return before;
  if (best === null || score < TURN_LIMITS.leastScore || score - asItIs < TURN_LIMITS.margin) return UPRIGHT_SO_FAR;
  return { rotate: best, agreeing: before.rotate === best ? before.agreeing + 1 : 1 };
}

/**
 * Detects a camera that is mounted sideways or upside down. The detector finds such faces but places their landmarks as
 * if they were upright, so the encoder's vectors match no member. It checks rarely, and only if a face is doubtful or
 * none is found.
 */
export class TurnWatch {
  private state = UPRIGHT_SO_FAR;
  private lookedMono = -Infinity;
  private buffer = new Uint8Array(0);

  /** @param bestScore of the faces in a picture; 0 without a face */
  constructor(private readonly bestScore: (frame: Frame) => Promise<number>) {}

  /** Degrees by which the camera's picture must be turned, once it is sure. */
  get turned(): Quarter | null {
    return this.state.agreeing >= TURN_LIMITS.agreeing ? this.state.rotate : null;
  }

  /**
   * True if the face in this picture must not be encoded: the last check found a better one in another orientation.
   * @param score of the face, in the picture as it is; 0 without a face
   */
  async look(frame: Frame, score: number, mono: number): Promise<boolean> {
    if (score >= TURN_LIMITS.uprightScore) {
      this.state = UPRIGHT_SO_FAR;
      return false;
    }
    const everyMs = score === 0 ? TURN_LIMITS.emptyEveryMs : TURN_LIMITS.doubtfulEveryMs;
    if (mono - this.lookedMono >= everyMs) {
      this.lookedMono = mono;
      // Another face than the one that is judged may be the best.
      this.state = stepTurn(this.state, await this.bestScore(frame), await this.scores(frame));
    }
    return score > 0 && this.state.rotate !== null;
  }

  private async scores(frame: Frame): Promise<ReadonlyMap<Quarter, number>> {
    if (this.buffer.length !== frame.data.length) this.buffer = new Uint8Array(frame.data.length);
    const scores = new Map<Quarter, number>();
    for (const rotate of TURNS) {
      turnFrame(frame, { rotate, flip: 'none' }, this.buffer);
      scores.set(rotate, await this.bestScore({ ...turnedSize(frame, rotate), data: this.buffer }));
    }
    return scores;
  }
}
