import { isTimely, MAX_FRAME_AGE_MS } from '../../src/access/frame-age';

const NOW = 50_000;
test.each([
  ['taken just now', 0, 0, true],
  ['as old as allowed', MAX_FRAME_AGE_MS, 0, true],
  ['older', MAX_FRAME_AGE_MS + 1, 0, false],
  ['older by no more than the camera’s delay', MAX_FRAME_AGE_MS + 300, 300, true],
  ['older than with the camera’s delay', MAX_FRAME_AGE_MS + 301, 300, false],
  ['taken in the future', -1, 300, false],
  ['of no known age', NaN, 0, false],
])('a frame %s', (_, age, latencyMs, expected) => expect(isTimely(NOW - age, NOW, latencyMs)).toBe(expected));
