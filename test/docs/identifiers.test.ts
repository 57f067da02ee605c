import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/system/paths';
import { HOUSE_WORDS, TOLERATED } from './house-words';

/** Names in the source use the words of the field. `house-words.ts` has the words that are not allowed. */
const source = join(packageRoot(), 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

function identifiersOf(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2022));
  return found;
}

/** The words of a name: `wasTold` has was and told. */
const wordsOf = (name: string): string[] =>
  (name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
const isOfTheHouse = (name: string): boolean => wordsOf(name).some((word) => HOUSE_WORDS.has(word));

const places = new Map<string, string[]>();
for (const file of files)
  for (const name of identifiersOf(readFileSync(join(source, file), 'utf8')))
    if (isOfTheHouse(name)) places.set(name, [...(places.get(name) ?? []), relative('', file)]);

test('no name has a word of this house alone', () => {
  expect(files.length).toBeGreaterThan(100);
  expect([...places].filter(([name]) => !TOLERATED.has(name))).toEqual([]);
});

test('what is tolerated still exists: take what is renamed off the list', () => {
  expect([...TOLERATED].filter((name) => !places.has(name))).toEqual([]);
});

test('words are found within names', () => {
  expect(['wasTold', 'NOBODY', 'askedAnew', '#told', 'beside'].every(isOfTheHouse)).toBe(true);
  expect(['tolderance', 'besides', 'report'].some(isOfTheHouse)).toBe(false);
});
