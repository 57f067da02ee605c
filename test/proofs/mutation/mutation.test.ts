import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argumentFor, staleAmong } from './argued';
import { ImportGraph } from './import-graph';
import { instrument } from './instrument';
import type { Numbered, Plan } from './plan';
import { faultsOf, textOf } from './report';
import { recordOf } from './record';
import { isKilled, type RunOptions, type RunReport, runMutants } from './run';
import { Results } from './results';

describe('the mutants of a text', () => {
  const changes = (text: string): string[] =>
    instrument('x.ts', text, 0).mutants.map(({ operator, before, after }) => `${operator}: ${before} → ${after}`);

  test.each([
    ['const f = (a: number) => a < 3;', ['boundary: a < 3 → a <= 3', 'comparison: a < 3 → a >= 3']],
    [
      'function f(a: boolean): void { if (a) g(); else h(); }',
      ['condition: a → false', 'condition: a → true', 'statement: g(); → ;', 'statement: h(); → ;'],
    ],
    ['const f = (a: boolean, b: boolean) => a && b;', ['operand: a && b → a', 'operand: a && b → b']],
    ['const f = (a: string | null) => a ?? "x";', ['fallback: a ?? "x" → a', 'fallback: a ?? "x" → "x"']],
    ['const f = (a: { b: number } | null) => a?.b;', ['optional: a?.b → a.b']],
    ['const f = (a: number[]) => [...a, 1];', ['array: [...a, 1] → []', 'spread: [...a, 1] → [...[], 1]']],
    [
      'function f(a: number): boolean { return a === 1; }',
      [
        'comparison: a === 1 → a !== 1',
        'return: return a === 1; → return true;',
        'return: return a === 1; → return false;',
      ],
    ],
    ['const f = (a: number[]) => a.filter(Boolean);', ['call: a.filter(Boolean) → a']],
    ['const f = (a: number) => 1 + a;', ['arithmetic: 1 + a → 1 - a']],
    ['function f(): void { a.b = 1; c(); }', ['statement: a.b = 1; → ;', 'statement: c(); → ;']],
  ])('%s', (text, expected) => {
    expect(changes(text)).toEqual(expect.arrayContaining(expected));
    expect(changes(text)).toHaveLength(expected.length);
  });

  test.each([
    'import x from "y";\nexport type T = readonly (1 | 2)[];\ninterface A { b?: true }',
    'const f = (a: number) => "x" + a;',
    'function f(): void { this.log.info("x", { a: true }); }',
    'class A extends B { constructor() { super(); } }',
  ])('none of %s', (text) => {
    expect(changes(text)).toEqual([]);
  });

  test('lines stay what they are', () => {
    const { text } = instrument('x.ts', '// head\nconst a = 1;\n\nconst b = a < 2;\n', 7);
    expect(text.split('\n')).toHaveLength(5);
    expect(text).toContain('__mutant(7)?(a <= 2):__mutant(8)?(a >= 2):(a < 2)');
  });
});

test('a test is run for the sources that it loads, also through others', () => {
  const files: Record<string, string> = {
    'test/a.test.ts': "import { b } from '../src/b';\nconst data = '../data.json';",
    'src/b.ts': "import fs from 'node:fs';\nexport * from './c';\nimport type { D } from './deep';",
    'src/c.ts': "void import('./b');",
    'src/deep/index.ts': '',
    'src/e.ts': "import './b';",
  };
  const graph = new ImportGraph((file) => files[file] ?? null);
  expect([...graph.loadedBy('test/a.test.ts')].sort()).toEqual([
    ...['src/b.ts', 'src/c.ts', 'src/deep/index.ts', 'test/a.test.ts'],
  ]);
});

describe('what earlier runs found', () => {
  const [mutant] = instrument('x.ts', 'const f = (a: number) => a < 3;', 0).mutants.map((each) => ({
    ...{ ...each, file: 'x.ts', nth: 0, number: 0 },
  }));
  const hashes = (source: string, test: string): Plan => ({
    mutants: [mutant!],
    hashes: new Map([
      ['x.ts', source],
      ['x.test.ts', test],
    ]),
  });
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'usher-mutation-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const noted = (note: (results: Results) => void): void => {
    const results = new Results(hashes('s1', 't1'), folder);
    note(results);
    results.save();
  };
  const later = (source: string, test: string): Results => {
    const results = new Results(hashes(source, test), folder);
    results.load();
    return results;
  };

  test('a kill holds until the source or the test changes; then it says what to try first', () => {
    noted((results) => results.noteKill(mutant!, 'killed', 'x.test.ts', 'f'));
    expect(later('s1', 't1').find(mutant!)).toEqual({ status: 'killed', by: 'x.test.ts', test: 'f' });
    for (const changed of [later('s2', 't1'), later('s1', 't2')]) {
      expect(changed.find(mutant!)).toBeNull();
      expect(changed.hint(mutant!)).toMatchObject({ by: 'x.test.ts', test: 'f' });
    }
  });

  test('a test file that a mutant survived is not run for it again until that file or the declaration changes', () => {
    noted((results) => results.noteSurvival(mutant!, 'x.test.ts'));
    expect(later('s2', 't1').survived(mutant!, 'x.test.ts')).toBe(true);
    expect(later('s1', 't2').survived(mutant!, 'x.test.ts')).toBe(false);
    expect(later('s1', 't1').survived({ ...mutant!, around: 'a <= 3' }, 'x.test.ts')).toBe(false);
    expect(later('s1', 't1').survived(mutant!, 'y.test.ts')).toBe(false);
  });

  test('code that moved to another file, and is exported there, is known', () => {
    noted((results) => results.noteKill(mutant!, 'killed', 'x.test.ts', 'f'));
    const moved = { ...mutant!, file: 'y.ts', around: `export ${mutant!.around}` };
    expect(later('s1', 't1').find(moved)).toBeNull();
    expect(later('s1', 't1').hint(moved)).toMatchObject({ by: 'x.test.ts' });
  });

  test('two runs at one time keep what both found', () => {
    const other = { ...mutant!, nth: 1 };
    const [one, two] = [later('s1', 't1'), later('s1', 't1')];
    one.noteSurvival(mutant!, 'x.test.ts');
    two.noteSurvival(other, 'x.test.ts');
    one.save();
    two.save();
    const both = later('s1', 't1');
    expect([mutant!, other].map((each) => both.survived(each, 'x.test.ts'))).toEqual([true, true]);
  });
});

describe('mutants of the door', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'usher-mutation-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The vote window, the margin, the cool-down, what a picture is worth, and whose face it is. */
  const planted = ({ declaration, operator, after }: Numbered): boolean =>
    [
      'vote operand time < at',
      'candidateOf condition false',
      'granted arithmetic at - settings.cooldownMs',
      'proofOf condition true',
      'under return return true;',
    ].includes(`${declaration} ${operator} ${after}`);

  const run = (tests: readonly string[], more: Partial<RunOptions> = {}): Promise<RunReport> =>
    runMutants({
      sources: ['evidence', 'face', 'outcome'].map((part) => `src/access/door/door-${part}.ts`),
      ...{ tests, folder, workers: 1, minutes: 5, kept: path.join(folder, 'kept'), reuse: false },
      chosen: planted,
      progress: () => undefined,
      onEnd: () => undefined,
      ...more,
    });

  test('its tests kill all of them', async () => {
    const { judged, untried } = await run([
      'test/access/door/door.test.ts',
      'test/access/door/door-limits.test.ts',
      'test/access/door/door-liveness.test.ts',
    ]);
    expect(judged.length).toBeGreaterThanOrEqual(5);
    expect(
      judged.filter(({ known }) => !isKilled(known)).map(({ mutant }) => `${mutant.line} ${mutant.after}`),
    ).toEqual([]);
    expect(untried).toBe(0);
  }, 300_000);

  test('a later run goes on where one was stopped', async () => {
    const tests = ['test/access/door/door-withheld.test.ts'];
    const stopped = await run(tests, { minutes: 0 });
    // That no test reaches a mutant is known without a trial.
    expect(stopped.judged.filter(({ known }) => known.status !== 'unreached')).toEqual([]);
    expect(stopped.untried).toBeGreaterThan(0);
    const survived = await run(tests, { reuse: true });
    expect(survived.untried).toBe(0);
    // No time is left, and none is needed: every test file has been survived before.
    const again = await run(tests, { reuse: true, minutes: 0 });
    expect(again.judged.map(({ known }) => known.status)).toEqual(survived.judged.map(({ known }) => known.status));
  }, 300_000);

  test('without them they survive, and the report names each', async () => {
    const report = await run(['test/access/door/door-withheld.test.ts']);
    const record = recordOf(report, []);
    const window = record.survivors.find(({ after }) => after === 'time < at');
    expect(window).toMatchObject({ file: 'src/access/door/door-face.ts', operator: 'operand', argued: null });
    expect(textOf(record)).toContain(`src/access/door/door-face.ts:${window?.line ?? 0} operand`);
    expect(faultsOf(record).join()).toMatch(/at least 90.0 % are asked for,\d+ survivors that nobody has argued/);

    // An argument counts for that mutant as long as the code around it is what was argued about.
    const { mutant } = report.judged.find((each) => each.mutant.after === 'time < at')!;
    const argument = { ...argumentFor(mutant), reason: 'for the sake of the test' };
    const argued = recordOf(report, [argument]);
    expect(argued.survivors.filter((each) => each.argued !== null)).toHaveLength(1);
    expect(argued.killed).toBe(record.killed);
    expect(argued.stale).toEqual([]);
    expect(staleAmong([argument], [{ ...mutant, around: `${mutant.around} ` }])).toEqual([argument]);
    expect(faultsOf(recordOf(report, [{ ...argument, around: '0' }])).join()).toContain(
      '1 arguments about code that has changed',
    );
  }, 300_000);
});
