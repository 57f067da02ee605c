import { pollUntil } from '../../src/system/poll';

const OFTEN = { everyMs: 1 };

test('it asks until it holds, and checks before each further time', async () => {
  let asked = 0;
  let checked = 0;
  const check = (): void => {
    checked++;
  };
  expect(await pollUntil(() => Promise.resolve(++asked === 3), { ...OFTEN, check })).toBe(true);
  expect([asked, checked]).toEqual([3, 2]);
});

test('it ends when the time is over', async () => {
  expect(await pollUntil(() => false, { ...OFTEN, withinMs: 5 })).toBe(false);
});

test('it ends with a failure, with what the check throws, and with the reason of the signal', async () => {
  const aborted = new AbortController();
  aborted.abort(new Error('stopped'));
  const check = (): void => {
    throw new Error('too slow');
  };
  await expect(pollUntil(() => false, { failed: [Promise.reject(new Error('crashed'))] })).rejects.toThrow('crashed');
  await expect(pollUntil(() => false, { ...OFTEN, check })).rejects.toThrow('too slow');
  await expect(pollUntil(() => false, { signal: aborted.signal })).rejects.toThrow('stopped');
});
