import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';

/** What is mutated: everything that decides who may enter, what may open, which release is trusted, and what a date may destroy. */
const SOURCES: readonly RegExp[] = [
  /^src\/access\//,
  /^src\/actuator\/(switch|verifier)\//,
  /^src\/(system\/programs|visitors\/visitor-book)\.ts$/,
  /^src\/fleet\/trust\//,
  /^src\/store\/(retention|clock)\//,
  /^src\/daemon\/(doors\/doors|retention\/retention)/,
];
/** Generated, or nothing but messages. */
const NO_SOURCES: readonly RegExp[] = [/similarity-wasm\.ts$/, /sweep-text\.ts$/];

/** Tests that may kill a mutant. Those are left out that take minutes, or kill and restart processes. */
const TESTS: readonly RegExp[] = [/^test\/(access|actuator|fleet|store|daemon|readers|system|visitors|files)\//];
const NO_TESTS: readonly RegExp[] = [
  /(frozen|not-well)[^/]*$/,
  /\.e2e\.test\.ts$/,
  /(storm|kill-torture|swipe-kill|torture|outbox|worlds|clusters|simulate|failures|migration|interoperability)\.test\.ts$/,
  /^test\/(fleet|store)\/transfer\/transfer\.test\.ts$/,
  /^test\/daemon\/(trials\/(trial|config|vision)|cameras\/(scene|camera)|doors\/visitors)/,
];

export function sources(): string[] {
  return under('src').filter((file) => any(SOURCES, file) && !any(NO_SOURCES, file));
}

export function tests(): string[] {
  return under('test').filter(
    (file) => file.endsWith('.test.ts') && any(TESTS, file) && !any(NO_TESTS, file) && !startsTheProgram(file),
  );
}

/** The built program holds no mutants, and need not be there. */
function startsTheProgram(file: string): boolean {
  return /support\/(daemon|actuator)'/.test(readFileSync(path.join(packageRoot(), file), 'utf8'));
}

function any(patterns: readonly RegExp[], file: string): boolean {
  return patterns.some((pattern) => pattern.test(file));
}

function under(folder: string): string[] {
  const root = packageRoot();
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}
