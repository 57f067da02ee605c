import { TalkWatch, WATCH_EVERY_MS } from '../../../src/daemon/cameras/talk-watch';

/** Looks as often as the service does; the times at which it fell quiet. */
function lookFrom(watch: TalkWatch, from: number, to: number): number[] {
  const quiet: number[] = [];
  for (let now = from; now <= to; now += WATCH_EVERY_MS) if (watch.fellQuiet(now)) quiet.push(now);
  return quiet;
}

test('before its first word a process owes nothing: it loads its models', () => {
  const watch = new TalkWatch();
  expect(lookFrom(watch, 0, 60_000)).toEqual([]);
  expect(watch.talks(60_000)).toBe(true);
});

test('quiet is said once, after two and a half seconds', () => {
  const watch = new TalkWatch();
  watch.heard(0);
  expect(lookFrom(watch, 0, 20_000)).toEqual([2750]);
  expect(watch.talks(20_000)).toBe(false);
});

test('a first word after that is not enough, half a second of talk is', () => {
  const watch = new TalkWatch();
  watch.heard(0);
  lookFrom(watch, 0, 5000);
  watch.heard(5000);
  expect([watch.talks(5000), watch.talks(5499), watch.talks(5500)]).toEqual([false, false, true]);
});

test('the next process begins with a clean sheet', () => {
  const watch = new TalkWatch();
  watch.heard(0);
  lookFrom(watch, 0, 5000);
  watch.begin();
  expect(lookFrom(watch, 5250, 20_000)).toEqual([]);
});

test('who stood still itself reads first what was said meanwhile', () => {
  const watch = new TalkWatch();
  watch.heard(0);
  expect(watch.fellQuiet(0)).toBe(false);
  expect(watch.fellQuiet(9000)).toBe(false);
  watch.heard(9001);
  expect(lookFrom(watch, 9250, 11_500)).toEqual([]);
});
