import { characterOf, isEnter, isShift } from './keys';
import { IDENTIFIER } from '../identifier';
import { type LineFault, type LocalSwipe } from './source';

/** Longest identifier, in keys. */
const MAX_KEYS = 64;

/** A key of a keyboard: 1 pressed, 0 released, 2 repeated because it is held. */
export interface KeyEvent {
  readonly code: number;
  readonly value: number;
  /** When it happened, ms as the kernel stamps it. */
  readonly at: number;
}

/**
 * Keys to identifiers: what is typed up to Enter, without a pause of more than `keyGapMs`. The pause tells a reader, which types
 * in one go, from somebody at a keyboard, and keeps half a number from being finished by the next card.
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
    // A release types nothing, and a reader does not hold a key down.
    if (value !== 1) return null;
    // Stamped with the wall clock: a step back must not join what was typed before it to what comes after.
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
    return IDENTIFIER.test(typed) ? { identifier: typed } : { fault: `${typed.length} keys that are no identifier` };
  }

  private forget(): void {
    this.typed = '';
    this.overlong = false;
  }
}

const bitOf = (code: number): number => (code === 42 ? 1 : 2);
