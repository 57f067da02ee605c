import { createProgress } from '../../src/terminal/progress';
import { figureTable, missedLine, printFigures } from '../../src/lab/report/figures';
import { requireUsable } from '../../src/lab/wake-word/train-command';
import { atLeast, atMost, fmrTag, withGoal, type Figure } from '../../src/lab/report/figure';

const FIGURES: Figure[] = [
  withGoal({ name: 'faces.eer', value: 0.0123, unit: 'ratio', low: 0.01, high: 0.02 }, atMost(0.02)),
  withGoal({ name: 'vision.ratio', value: 18.4, unit: 'x' }, atLeast(20)),
  { name: 'match.p99_ms', value: 3.4567, unit: 'ms' },
  withGoal({ name: 'faces.fnmr', value: null, unit: 'ratio', note: 'not enough impostor pairs' }, atMost(0)),
];

test('a figure that cannot be measured does not meet its goal', () => {
  expect(FIGURES.map(({ meets }) => meets)).toEqual([true, false, undefined, false]);
});

test('the table names values, intervals and goals, aligned', () => {
  expect(figureTable(FIGURES).split('\n')).toEqual([
    'figure        value           95 %       to reach',
    'faces.eer     1.23 %          1 % … 2 %  ≤ 2 % reached',
    'vision.ratio  18.4×                      ≥ 20× MISSED',
    'match.p99_ms  3.457 ms',
    'faces.fnmr    not measurable             ≤ 0 % MISSED   not enough impostor pairs',
    '',
  ]);
});

test.each([
  [
    'at most, proven',
    withGoal({ name: 'a', value: 0.001, unit: 'ratio', low: 0, high: 0.009 }, atMost(0.01)),
    'reached',
  ],
  [
    'at most, lucky',
    withGoal({ name: 'a', value: 0, unit: 'ratio', low: 0, high: 0.1 }, atMost(0.01)),
    'reached, not proven',
  ],
  [
    'at least, lucky',
    withGoal({ name: 'a', value: 0.99, unit: 'ratio', low: 0.95, high: 1 }, atLeast(0.98)),
    'reached, not proven',
  ],
  ['missed', withGoal({ name: 'a', value: 0.03, unit: 'ratio', low: 0, high: 0.1 }, atMost(0.01)), 'MISSED'],
])('a goal that the interval lies across is not proven: %s', (_, figure, verdict) =>
  expect(figureTable([figure]).trimEnd().endsWith(` ${verdict}`)).toBe(true),
);

test('columns that are empty throughout are left out', () => {
  expect(figureTable([{ name: 'a', value: 2, unit: 'pairs' }])).toBe('figure  value\na       2 pairs\n');
});

test('JSON carries every figure, whatever the table shows, and what else there is', () => {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  printFigures(FIGURES, { json: true, more: { dataset: 'x' }, shown: [] }, write);
  expect(JSON.parse(text)).toEqual({ figures: FIGURES, dataset: 'x' });
});

test.each([
  [1e-3, '1e-3'],
  [1e-4, '1e-4'],
  [0.1, '1e-1'],
  [3e-5, '3e-5'],
])('%p is written %s', (fmr, tag) => expect(fmrTag(fmr)).toBe(tag));

describe('progress', () => {
  test('is drawn where a person watches, with the time that is left', () => {
    let clock = 0;
    const lines: string[] = [];
    const screen = { isTTY: true, columns: 80, write: (text: string) => lines.push(text) };
    const progress = createProgress(screen, () => clock);
    progress.update('encoding', 0);
    clock = 50;
    progress.update('encoding', 0.1);
    clock = 10_000;
    progress.update('encoding', 0.5);
    progress.done();
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain('50 % encoding, 10 s left');
    expect(lines[2]).toBe('\r\x1b[K');
  });

  test('is a line at growing intervals in a pipe, and none for short work', () => {
    let clock = 0;
    const lines: string[] = [];
    const progress = createProgress({ write: (text) => lines.push(text) }, () => clock);
    for (; clock < 9_500; clock += 500) progress.update('encoding', 0.01);
    expect(lines).toEqual([]);
    for (; clock <= 4 * 3_600_000; clock += 500) progress.update('encoding', clock / (4 * 3_600_000));
    progress.done();
    expect(lines.slice(0, 3)).toEqual([
      '10 s: encoding, 0 %\n',
      '30 s: encoding, 0 %\n',
      '90 s: encoding, 1 %\n'.replace('90 s', '2 min'),
    ]);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.length).toBeLessThan(35);
  });
});

describe('the last line and the exit code', () => {
  const before = process.exitCode;
  afterEach(() => {
    process.exitCode = before;
  });

  test('name the figures that were missed, those that could not be measured among them', () => {
    expect(missedLine(FIGURES)).toBe('2 of 3 figures missed: vision.ratio, faces.fnmr');
    expect(missedLine(FIGURES.slice(0, 1))).toBeNull();
  });

  test.each([
    [true, FIGURES, 1],
    [false, FIGURES, undefined],
    [true, FIGURES.slice(0, 1), undefined],
  ])('--require %s', (require, figures, code) => {
    process.exitCode = undefined;
    printFigures(figures, { json: true, require }, () => undefined);
    expect(process.exitCode).toBe(code);
  });
});

describe('a trained word', () => {
  const settings = (miss: number, falseAcceptsPerHour = 0.1) => [
    { threshold: 0.9, falseAccepts: 1, falseAcceptsPerHour, misses: [{ condition: 'clean', miss }] },
  ];

  test('that misses most of what it should hear is no success', () => {
    expect(() => requireUsable('models/wake-x', settings(0.97))).toThrow(
      'models/wake-x is not good enough to use: at 0.10 false accepts an hour it misses 97 % of the words',
    );
    expect(() => requireUsable('models/wake-x', settings(0.1, 3))).toThrow('at 3.00 false accepts an hour');
    expect(() => requireUsable('models/wake-x', settings(0.1))).not.toThrow();
  });
});
