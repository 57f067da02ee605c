import { parsePairs } from '../../../../src/lab/faces/data/pairs-file';

const TWO_FOLDS = [
  '2\t1',
  'Abel_Pacheco\t1\t4',
  'Robert_Downey_Jr\t1\tTommy_Shane_Steiner\t1',
  'Akhmed_Zakayev\t1\t3',
  'Abdel_Madi_Shabneh\t1\tDean_Barker\t1',
  '',
];

describe('pairs.txt', () => {
  test('folds, matched pairs first', () => {
    const { folds, pairs } = parsePairs(TWO_FOLDS.join('\n'), 'pairs.txt');
    expect(folds).toBe(2);
    expect(pairs.map(({ fold, same, line }) => ({ fold, same, line }))).toEqual([
      { fold: 0, same: true, line: 2 },
      { fold: 0, same: false, line: 3 },
      { fold: 1, same: true, line: 4 },
      { fold: 1, same: false, line: 5 },
    ]);
    expect(pairs[0]).toMatchObject({
      left: { person: 'Abel_Pacheco', number: 1 },
      right: { person: 'Abel_Pacheco', number: 4 },
    });
    expect(pairs[1]?.right).toEqual({ person: 'Tommy_Shane_Steiner', number: 1 });
  });

  test('one number in the first line is one fold; Windows line ends and a byte-order mark are no reason to fail', () => {
    const text = '\uFEFF1\r\nA_B 1 2\r\nA_B 1 C_D 7\r\n';
    expect(parsePairs(text, 'pairs.txt')).toMatchObject({ folds: 1, pairs: [{ same: true }, { same: false }] });
  });

  test.each([
    ['', 'pairs.txt:1: expected "folds<TAB>pairs"'],
    ['ten\t300', 'pairs.txt:1: expected "folds<TAB>pairs"'],
    ['0', 'pairs.txt:1: expected'],
    ['1 1 1', 'pairs.txt:1: expected'],
    ['1\nA 1 B 2\nA 1 B 2', 'pairs.txt:2: expected name number number (one person), found "A 1 B 2"'],
    ['1\nA 1 2\nA 1 2', 'pairs.txt:3: expected name number name number (two persons)'],
    ['1\nA one 2\nA 1 B 2', 'pairs.txt:2: "one" is not a picture number'],
    ['1\nA 1 2\nA 1 B -2', 'pairs.txt:3: "-2" is not a picture number'],
    ['1\nA 1 2', 'pairs.txt:2: 1 pairs, but the first line announces 2'],
    ['1\nA 1 2\nA 1 B 2\nA 1 3', 'pairs.txt:4: more pairs than the first line announces (2)'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parsePairs(text, 'pairs.txt')).toThrow(message);
  });
});
