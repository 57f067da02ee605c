import { TakeDown } from '../../src/system/take-down';

const limits = { totalMs: 2000, partMs: 300 };
const lines: string[] = [];
const quiet = {
  error: (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`),
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => quiet,
};
beforeEach(() => lines.splice(0));
const never = (): Promise<void> => new Promise(() => undefined);

test('parts go down last first, and a part that throws keeps none up', async () => {
  const order: string[] = [];
  const down = new TakeDown(quiet, limits);
  down.push('lock', () => void order.push('lock'));
  down.push('bad', () => {
    order.push('bad');
    throw new Error('stuck');
  });
  down.push('cameras', async () => {
    await Promise.resolve();
    order.push('cameras');
  });
  expect(await down.run()).toEqual([]);
  expect(order).toEqual(['cameras', 'bad', 'lock']);
  expect(lines).toEqual(['stopping {"part":"bad","why":"stuck"}']);
});

test('a part that hangs is named, and those after it are taken down all the same', async () => {
  const order: string[] = [];
  const down = new TakeDown(quiet, limits);
  down.push('stop record', () => void order.push('stop record'));
  down.push('cameras', never);
  down.push('fleet', () => void order.push('fleet'));
  expect(await down.run()).toEqual(['cameras']);
  expect(order).toEqual(['fleet', 'stop record']);
  expect(down.unfinished).toEqual(['cameras']);
});

test('hurry ends the wait for a part, not the taking down of the others', async () => {
  const order: string[] = [];
  const hurry = new AbortController();
  const down = new TakeDown(quiet, { totalMs: 3_600_000, partMs: 3_600_000 });
  down.push('stop record', () => void order.push('stop record'));
  down.push('cameras', never);
  const done = down.run(hurry.signal);
  expect(down.unfinished).toEqual(['cameras', 'stop record']);
  hurry.abort();
  expect(await done).toEqual(['cameras']);
  expect(order).toEqual(['stop record']);
});

test('a start that hangs is named, and what it had brought up goes down', async () => {
  const order: string[] = [];
  const down = new TakeDown(quiet, limits);
  down.push('store', () => void order.push('store'));
  expect(await down.run(null, never())).toEqual(['start']);
  expect(order).toEqual(['store']);
});

test('nothing is unfinished before it is asked to stop and after it has; a second call gets the same outcome', async () => {
  let calls = 0;
  const down = new TakeDown(quiet, limits);
  down.push('store', () => {
    calls++;
  });
  expect(down.unfinished).toEqual([]);
  expect(await Promise.all([down.run(), down.run()])).toEqual([[], []]);
  expect(calls).toBe(1);
  expect(down.unfinished).toEqual([]);
});
