import { RATE_HZ } from '../../../../src/lab/wake-word/sound/rate';
import { findWord } from '../../../../src/lab/wake-word/sound/word-span';
import { seededRandom } from '../../../../src/random';
import { sound } from './sounds';

/** A word of two syllables with a stop of 80 ms between them, from `start` to `start + 0.7` s, in noise; a click where asked for. */
function clip(start: number, noise: number, click: number | null): Int16Array {
  const random = seededRandom(5);
  return sound(3, (t) => {
    const at = t - start;
    const voiced = (at > 0 && at < 0.3) || (at > 0.38 && at < 0.7);
    const clicks = click !== null && t > click && t < click + 0.02;
    return (
      (voiced ? 0.2 * Math.sin(2 * Math.PI * 700 * t) : 0) +
      (clicks ? 0.9 : 0) * random.between(-1, 1) +
      noise * random.normal()
    );
  });
}

describe('the word of a recording', () => {
  it.each([
    ['at its beginning, in a quiet room', 0.05, 0.0005, null],
    ['in the middle, in noise', 1.3, 0.01, null],
    ['late, with a click at the end of the recording', 1.8, 0.001, 2.95],
    ['in the middle, with a click half a second before', 1.5, 0.001, 0.9],
  ])('is found %s', (_, start, noise, click) => {
    const found = findWord(clip(start, noise, click));
    expect(found).not.toBeNull();
    expect(Math.abs(found!.start / RATE_HZ - start)).toBeLessThan(0.05);
    expect(Math.abs(found!.end / RATE_HZ - (start + 0.7))).toBeLessThan(0.05);
  });

  it('is not found in noise, in silence, in a click, in nothing', () => {
    const random = seededRandom(1);
    expect(findWord(sound(2, () => 0.05 * random.normal()))).toBeNull();
    expect(findWord(new Int16Array(32_000))).toBeNull();
    expect(findWord(sound(2, (t) => (t > 1 && t < 1.03 ? 0.8 : 0)))).toBeNull();
    expect(findWord(new Int16Array(0))).toBeNull();
  });
});
