import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRANT_REASONS, REASONS, REFUSALS } from '../../../src/access/reasons';
import { UsherError, type UsherErrorCode } from '../../../src/errors';
import { packageRoot } from '../../../src/system/paths';

/** Pages that people write, held to the code where the code knows better. */
const page = (name: string): string => readFileSync(join(packageRoot(), 'docs', 'reference', name), 'utf8');

/** Items "- `code`: text", by their code, with lines that were broken put together again. */
function itemsOf(text: string): ReadonlyMap<string, string> {
  const items = [...text.matchAll(/^- `([\w-]+)`: ((?:.+\n)(?: {2}.+\n)*)/gm)];
  return new Map(items.map(([, code = '', body = '']) => [code, body.replace(/\s+/g, ' ').trim()]));
}

const sectionOf = (text: string, heading: string): string =>
  text.split(/^## /m).find((one) => one.startsWith(heading)) ?? '';
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

describe('reasons.md', () => {
  const reasons = Object.entries(REASONS);
  test.each([
    ['Why a door opened', reasons.filter(([code]) => GRANT_REASONS.has(code))],
    ['Why a door stayed shut', reasons.filter(([code]) => !GRANT_REASONS.has(code))],
    ['Why a message was refused', Object.entries(REFUSALS)],
  ])('%s: names every code with its meaning, and none besides', (heading, expected) => {
    const items = itemsOf(sectionOf(page('reasons.md'), heading));
    expect([...items.keys()].sort()).toEqual(expected.map(([code]) => code).sort());
    for (const [code, meaning] of expected) expect(items.get(code)).toMatch(startOf(sentence(meaning)));
  });
});

const startOf = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);

describe('exit-codes.md', () => {
  const declared = /export type UsherErrorCode =([^;]*);/.exec(
    readFileSync(join(packageRoot(), 'src/errors.ts'), 'utf8'),
  )?.[1];
  const codes = [...(declared ?? '').matchAll(/'([\w-]+)'/g)].map(([, code]) => code as UsherErrorCode);

  test('lists every error under the exit code that it has', () => {
    const listed = page('exit-codes.md')
      .split(/^## /m)
      .flatMap((section) => [...itemsOf(section).keys()].map((code) => [code, Number.parseInt(section, 10)]));
    expect(codes.length).toBeGreaterThan(10);
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(codes.map((code) => [code, new UsherError(code, '').exitCode])),
    );
    expect(listed).toHaveLength(codes.length);
  });
});
