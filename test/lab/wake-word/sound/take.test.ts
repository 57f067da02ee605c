import { judgeTake } from '../../../../src/lab/wake-word/sound/take';
import { seededRandom } from '../../../../src/random';
import { sound } from './sounds';

/** A word from 1 to 1.6 s. */
function take({ level = 0.2, noise = 0.0005, hum = 0, start = 1, length = 0.6 }): Int16Array {
  const random = seededRandom(4);
  return sound(3, (t) => {
    const on = t > start && t < start + length;
    return Math.max(
      -1,
      Math.min(
        1,
        (on ? level * Math.sin(2 * Math.PI * 600 * t) : 0) +
          hum * Math.sin(2 * Math.PI * 80 * t) +
          noise * random.normal(),
      ),
    );
  });
}

describe('a take of the word', () => {
  it.each([
    ['well spoken', {}, []],
    ['too loud', { level: 3 }, ['clipped']],
    ['too soft', { level: 0.003, noise: 0.0001 }, ['too-quiet']],
    ['in a room that drones', { level: 0.1, hum: 0.1 }, ['too-noisy']],
    ['lost in noise', { level: 0.1, noise: 0.1 }, ['no-word']],
    ['begun too early', { start: 0 }, ['cut-off']],
    ['ended too late', { start: 2.6 }, ['cut-off']],
    ['that goes on and on', { start: 0.3, length: 2.3 }, ['too-long']],
    ['in which nobody speaks', { level: 0 }, ['no-word']],
  ])('%s', (_, how, problems) => {
    expect(judgeTake('word', take(how)).problems).toEqual(problems);
  });

  it('from a microphone that is dead', () => {
    expect(judgeTake('word', new Int16Array(48_000)).problems).toEqual(['dead']);
    expect(judgeTake('background', new Int16Array(48_000).fill(9)).problems).toEqual(['dead']);
  });

  it('says how loud it was', () => {
    const { levelDb, snrDb } = judgeTake('word', take({}));
    expect(levelDb).toBeCloseTo(-17, 0);
    expect(snrDb).toBeGreaterThan(40);
  });
});

it('takes long speech as other speech, and the room without anybody as a background', () => {
  expect(judgeTake('other', take({ start: 0.3, length: 2.3 })).problems).toEqual([]);
  expect(judgeTake('background', take({ level: 0, noise: 0.1 })).problems).toEqual([]);
  expect(judgeTake('background', take({ level: 3 })).problems).toEqual(['clipped']);
});
