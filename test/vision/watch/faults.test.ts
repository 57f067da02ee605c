import { NO_FAULT, stepFault, type Suspicion, suspect } from '../../../src/vision/watch/judge';
import { EDGE_VALUES, type PictureMeasure } from '../../../src/vision/watch/measure';
import { referenceOf } from '../../../src/vision/watch/reference';

const edges = (seed: number) => Float32Array.from({ length: EDGE_VALUES }, (_, i) => (i * seed * 7919) % 40);
const good: PictureMeasure = { brightness: 110, detail: 0.2, focus: 0.4, edges: edges(1) };
const reference = referenceOf([good], 0);

test.each([
  [null, {}],
  ['black', { detail: 0, brightness: 3 }],
  ['covered', { detail: 0.001, brightness: 90 }],
  ['blurred', { focus: 0.15 }],
  [null, { focus: 0.25 }],
  ['moved', { edges: edges(13) }],
  // The same place in less light: weaker edges in the same places.
  [null, { edges: edges(1).map((value) => value / 4 + 1), brightness: 30 }],
] as const)('%s: %j', (kind, change) => {
  expect(suspect({ ...good, ...change }, reference)?.kind ?? null).toBe(kind);
});

test('without a reference nothing is said of focus and direction', () => {
  expect(suspect({ ...good, focus: 0.01, edges: edges(13) }, null)).toBeNull();
});

const found = (kind: Suspicion['kind'], measure = 0.1): Suspicion => ({ kind, measure, limit: 1 });
const play = (script: readonly (readonly [number, Suspicion | null])[]) => {
  let state = NO_FAULT;
  return script.map(([mono, suspicion]) => {
    state = stepFault(state, suspicion, mono, 1_000_000 + mono);
    return state.trouble?.kind ?? null;
  });
};

test.each([
  [
    'a hand before the lens',
    [
      [0, found('covered')],
      [2000, found('covered')],
      [2500, null],
      [6000, null],
    ],
    [null, null, null, null],
  ],
  [
    'covered for good',
    [
      [0, found('covered')],
      [1000, found('covered')],
      [3000, found('covered')],
      [3200, null],
    ],
    [null, null, 'covered', null],
  ],
  [
    'covered, then dark',
    [
      [0, found('covered')],
      [3000, found('covered')],
      [3200, found('black')],
      [6200, found('black')],
    ],
    [null, 'covered', 'covered', 'black'],
  ],
  [
    'people before the wall for a minute',
    [
      [0, found('moved')],
      [60_000, found('moved')],
      [61_000, null],
    ],
    [null, null, null],
  ],
  [
    'turned away',
    [
      [0, found('moved')],
      [120_000, found('moved')],
    ],
    [null, 'moved'],
  ],
  [
    'fog for half a minute',
    [
      [0, found('blurred')],
      [30_000, found('blurred')],
      [31_000, null],
    ],
    [null, null, null],
  ],
  [
    'out of focus',
    [
      [0, found('blurred')],
      [60_000, found('blurred')],
    ],
    [null, 'blurred'],
  ],
] as const)('%s', (_name, script, told) => {
  expect(play(script)).toEqual(told);
});

test('since when, and a measure that does not change with every picture', () => {
  let state = stepFault(NO_FAULT, found('black', 3), 500, 1_000_500);
  state = stepFault(state, found('black', 4), 4000, 1_004_000);
  state = stepFault(state, found('black', 5), 5000, 1_005_000);
  expect(state.trouble).toEqual({ kind: 'black', since: 1_000_500, measure: 4, limit: 1 });
});
