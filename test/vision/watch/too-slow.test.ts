import fc from 'fast-check';
import { longestIntervalMs } from '../../../src/config/references/camera-rate';
import { tooSlow } from '../../../src/vision/watch/too-slow';

const door = { id: 'front', votes: 3, voteWindowMs: 2000, absentMs: 800 };

describe('whether the pictures that come are enough for the votes of a door', () => {
  test.each([
    [null, false],
    [67, false],
    [800, false],
    [839, false],
    [841, true],
    [1000, true],
  ])('one every %s ms: too slow is %s', (intervalMs, slow) => {
    expect(tooSlow(intervalMs, [door]) !== null).toBe(slow);
  });

  test('the finding names the door, the rate and what to set', () => {
    const patient = { id: 'side', votes: 2, voteWindowMs: 6000, absentMs: 4000 };
    expect(tooSlow(2100, [patient])).toBeNull();
    expect(tooSlow(2100, [patient, door])).toEqual({
      found:
        'pictures come every 2000 ms: door front cannot gather 3 votes within 2000 ms from a face that may be gone for 800 ms',
      remedy: expect.stringContaining('raise voteWindowMs and absentMs of door front') as string,
    });
  });

  test('many votes within a short window ask for more than the absence does', () => {
    expect(tooSlow(500, [{ ...door, votes: 6 }])).not.toBeNull();
    expect(tooSlow(380, [{ ...door, votes: 6 }])).toBeNull();
  });

  test('evenly spaced pictures at a rate that is not called too slow gather the votes', () => {
    fc.assert(
      fc.property(
        fc.record({
          votes: fc.integer({ min: 1, max: 10 }),
          voteWindowMs: fc.integer({ min: 200, max: 30_000 }),
          absentMs: fc.integer({ min: 100, max: 10_000 }),
        }),
        (needs) => {
          const interval = longestIntervalMs(needs);
          expect(tooSlow(interval, [{ id: 'front', ...needs }])).toBeNull();
          expect(interval).toBeLessThanOrEqual(needs.absentMs);
          expect(interval * (needs.votes - 1)).toBeLessThanOrEqual(needs.voteWindowMs + 1e-6);
        },
      ),
    );
  });
});
