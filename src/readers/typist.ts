import { characterOf, isEnter, isShift } from './keys';
import { IDENTIFIER } from '../identifier';
import { type LineFault, type LocalSwipe } from './source';

/** Longest identifier, in keys. */
const MAX_KEYS = 64;

/** An event of a keyboard: 1 pressed, 0 released, 2 repeated while held. */
export interface KeyEvent {
  readonly code: number;
  readonly value: number;
  /** Kernel timestamp, ms. */
  readonly at: number;
}

/**
 * Turns keys into identifiers: the characters up to Enter, without a pause of more than `keyGapMs`. The pause
 * distinguishes a reader, which types without pauses, from a person at a keyboard, and prevents that the next card
 * completes half a number.
 */
export class KeystrokeDecoder {
  private typed = '';
  private overlong = false;
  private shift = 0;
  private lastAt = -Infinity;

  constructor(private readonly keyGapMs: number) {}

  key({ code, value, at }: KeyEvent): LocalSwipe | LineFault | null {
    if (isShift(code)) {
      this.shift = value === 0 ? this.shift & ~bitOf(code) : this.shift | bitOf(code);
      return null;
    }
    // A release has no character, and a reader does not hold a key.
    if (value !== 1) return null;
    // Timestamps are of the wall clock. After a step back, earlier keys must not be joined to later ones.
    const gapMs = at - this.lastAt;
    this.lastAt = at;
    if (!(gapMs >= 0 && gapMs <= this.keyGapMs)) this.forget();
    if (isEnter(code)) return this.enter();
    const character = characterOf(code, this.shift !== 0);
    if (character === null) return null;
    if (this.typed.length >= MAX_KEYS) this.overlong = true;
    else this.typed += character;
    return null;
  }

  private enter(): LocalSwipe | LineFault | null {
    const { typed, overlong } = this;
    this.forget();
    if (typed === '') return null;
    if (overlong) return { fault: `more than ${MAX_KEYS} keys` };
    return IDENTIFIER.test(typed)
      ? { identifier: typed }
      : { fault: `${typed.length} keys that are not an identifier` };
  }

  private forget(): void {
    this.typed = '';
    this.overlong = false;
  }
}

const bitOf = (code: number): number => (code === 42 ? 1 : 2);
