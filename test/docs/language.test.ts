import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { documents, proseOf, withoutFences } from './documents';
import { HOUSE_WORDS, OLD_DOCUMENTS } from './house-words';

/** How the documents are written: British spelling, usual words, lines that fit, tables that are not padded. */
const LONGEST_LINE = 120;
const all = documents();
const current = all.filter(({ path }) => !OLD_DOCUMENTS.has(path));

test('every word is in the dictionary, or in .config/words.txt', () => {
  const cspell = join(packageRoot(), 'node_modules', 'cspell', 'bin.mjs');
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      cspell,
      'lint',
      '--no-progress',
      '--no-summary',
      '--config',
      '.config/cspell.json',
      ...all.map(({ path }) => path),
    ],
    { cwd: packageRoot(), encoding: 'utf8' },
  );
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test.each(current.map(({ path, text }) => ({ path, text })))(
  '$path: usual words, short lines, plain tables',
  ({ path, text }) => {
    const lines = withoutFences(text).split('\n');
    const prose = proseOf(text).split('\n');
    const faults = lines.flatMap((line, at) => {
      const words = (prose[at] ?? '').toLowerCase().match(/\p{L}+/gu) ?? [];
      return [
        ...words.filter((word) => HOUSE_WORDS.has(word)).map((word) => `${at + 1}: say "${word}" in another way`),
        ...(isWrapped(path) && isTooLong(line) ? [`${at + 1}: ${line.length} characters`] : []),
        ...(isPadded(line) ? [`${at + 1}: a cell is padded with spaces`] : []),
      ];
    });
    expect(path.startsWith('docs/reference/') ? faults.filter((fault) => !isOfCommands(path, fault)) : faults).toEqual(
      [],
    );
  },
);

const readme = all.find(({ path }) => path === 'README.md');
(OLD_DOCUMENTS.has('README.md') ? test.skip : test)('README.md is short: what else there is to say has a page', () => {
  expect(readme?.text.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

/** Elsewhere a paragraph is one line, which the editor wraps. */
const isWrapped = (path: string): boolean => /^docs\/(reference\/|glossary)/.test(path);

/** What stands in one piece may be longer: a table, a code, an address. */
function isTooLong(line: string): boolean {
  if (line.length <= LONGEST_LINE || /^\s*\|/.test(line)) return false;
  return line.replace(/`[^`]*`|\]\([^)]*\)|https?:\S+/g, '').length > LONGEST_LINE;
}

/** An empty cell may have the two spaces around nothing. */
const isPadded = (line: string): boolean => /^\s*\|(?:.*[^|\s] {2,}\||.*\| {2,}[^|])/.test(line);

/** The texts of the commands are written in the code. */
const isOfCommands = (path: string, fault: string): boolean => path.endsWith('/commands.md') && fault.includes('say "');

test('faults are found', () => {
  expect(isPadded('| a    | b |')).toBe(true);
  expect(isPadded('| a | b |')).toBe(false);
  expect(isTooLong('x '.repeat(70))).toBe(true);
  expect(isTooLong(`\`${'x'.repeat(140)}\``)).toBe(false);
});
