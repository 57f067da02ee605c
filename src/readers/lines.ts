import { IDENTIFIER } from '../identifier';
import { type LineFault, type LocalSwipe } from './source';

/** Longer lines are refused: the longest valid one has 152 characters. */
const MAX_LINE = 256;

/**
 * Splits bytes into lines in bounded memory, whatever arrives. A line ends with CR, LF or ETX (0x03: readers like the
 * RDM6300 frame their numbers by STX and ETX). Control characters before the end are dropped. Nothing of an overlong
 * line is kept.
 */
export class LineSplitter {
  private line = '';
  private overlong = false;

  /** @param each a line, or null for one that was too long */
  push(bytes: Uint8Array, each: (line: string | null) => void): void {
    for (const byte of bytes) {
      if (byte === 0x0a || byte === 0x0d || byte === 0x03) this.end(each);
      else if (this.overlong || byte < 0x20) continue;
      else if (this.line.length >= MAX_LINE) this.overlong = true;
      else this.line += String.fromCharCode(byte);
    }
  }

  private end(each: (line: string | null) => void): void {
    const { line, overlong } = this;
    this.line = '';
    this.overlong = false;
    if (overlong) each(null);
    else if (line.trim() !== '') each(line.trim());
  }
}

/**
 * Parses `IDENTIFIER`, or `SWIPE IDENTIFIER COUNTER MAC` from a reader with a key. A fault never repeats the text of
 * the line.
 */
export function parseLine(line: string | null): LocalSwipe | LineFault {
  if (line === null) return { fault: `a line of more than ${MAX_LINE} characters` };
  const [word = '', identifier = '', counter = '', mac = '', ...more] = line.split(/ +/);
  if (word !== 'SWIPE')
    return IDENTIFIER.test(line)
      ? { identifier: line }
      : { fault: `${line.length} characters that are not an identifier` };
  if (more.length > 0 || !IDENTIFIER.test(identifier) || !/^\d{1,16}$/.test(counter) || !/^[0-9a-f]{64}$/.test(mac))
    return { fault: 'a SWIPE line that is not SWIPE IDENTIFIER COUNTER MAC' };
  const value = Number(counter);
  return Number.isSafeInteger(value) ? { identifier, counter: value, mac } : { fault: 'a counter beyond 2^53' };
}
