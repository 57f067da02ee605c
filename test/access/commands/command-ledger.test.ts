import { UsherError } from '../../../src/errors';
import { COMMAND_AHEAD_MS, COMMAND_LIFE_MS, CommandLedger } from '../../../src/access/commands/command-ledger';

const NOW = 1_800_000_000_000;
type Saved = { floor: number; seen: [string, number][] };

/** What is kept, as it is written. */
function make({ capacity, load }: { capacity?: number; load?: () => string | null } = {}) {
  const texts: string[] = [];
  const store = { load: load ?? (() => texts.at(-1) ?? null), save: (text: string) => void texts.push(text) };
  const saved = (): Saved => JSON.parse(texts.at(-1) ?? 'null') as Saved;
  return { ledger: new CommandLedger(store, capacity), saved, texts };
}

test('a full ledger keeps those that end last, and the end of the last one that it forgot', () => {
  const { ledger, saved } = make({ capacity: 2 });
  for (const [nonce, life] of [
    ['a', 10],
    ['b', 30],
    ['c', 20],
  ] as const)
    expect(ledger.take(nonce, NOW + life, NOW)).toBe('new');
  const kept = [
    ['b', NOW + 30],
    ['c', NOW + 20],
  ];
  expect(saved()).toEqual({ floor: NOW + 10, seen: kept });
  expect([ledger.take('d', NOW + 10, NOW), ledger.take('d', NOW + 11, NOW)]).toEqual(['replayed', 'new']);
});

test('a command is kept to its end, and its time is shut after that', () => {
  const { ledger, saved } = make();
  ledger.take('a', NOW + 10, NOW);
  ledger.take('b', NOW + 50, NOW + 10);
  expect(saved()).toEqual({
    floor: 0,
    seen: [
      ['b', NOW + 50],
      ['a', NOW + 10],
    ],
  });
  ledger.take('c', NOW + 60, NOW + 11);
  expect(saved()).toMatchObject({
    floor: NOW + 10,
    seen: [
      ['c', NOW + 60],
      ['b', NOW + 50],
    ],
  });
  expect([ledger.take('b', NOW + 50, NOW), ledger.take('a', NOW + 10, NOW)]).toEqual(['replayed', 'replayed']);
});

describe('a list that cannot be read', () => {
  const failing = (code: 'store-unavailable' | 'data-invalid') => () => {
    throw new UsherError(code, 'no luck');
  };

  test('is left as it is where the store does not answer', () => {
    const { ledger, texts } = make({ load: failing('store-unavailable') });
    expect([ledger.take('a', NOW, NOW), texts]).toEqual([{ unsaved: 'no luck' }, []]);
  });

  test.each<[string, () => string | null]>([
    ['was changed by another hand', failing('data-invalid')],
    ['is not whole', () => '{"floor":1'],
    ['is another one', () => '{"floor":"now","seen":[]}'],
  ])('is begun anew where it %s, past every command that was given', (_, load) => {
    const { ledger, saved } = make({ load });
    expect(ledger.take('a', NOW, NOW)).toMatchObject({ unsaved: expect.stringContaining('damaged') as string });
    expect(saved()).toEqual({ floor: NOW + COMMAND_LIFE_MS + COMMAND_AHEAD_MS, seen: [] });
  });
});
