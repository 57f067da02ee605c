import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argumentFor, staleAmong } from './argued';
import { instrument } from './instrument';
import type { Numbered } from './plan';
import { faultsOf, textOf } from './report';
import { recordOf } from './record';
import { isKilled, type RunReport, runMutants } from './run';

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

  const run = (tests: readonly string[]): Promise<RunReport> =>
    runMutants({
      sources: ['evidence', 'face', 'outcome'].map((part) => `src/access/door/door-${part}.ts`),
      tests,
      folder,
      workers: 1,
      minutes: 5,
      keep: false,
      reuse: false,
      chosen: planted,
      progress: () => undefined,
      onEnd: () => undefined,
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
