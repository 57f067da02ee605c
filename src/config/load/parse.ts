import { type Document, isNode, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type z } from 'zod';
import { messageOf, UsherError } from '../../errors';
import { secrets } from '../../secrets';
import type { ReferenceFault } from '../references/fault';
import { explainUnknownKey } from './unknown-key';

/** A configuration larger than this is not one. */
const MAX_BYTES = 256 * 1024;
/** Deeper than any configuration, and far from where the parser runs out of stack: V8 may end the process there. */
const MAX_DEPTH = 200;

/**
 * Text of a configuration to a frozen, checked value of any schema.
 * @throws UsherError `config-invalid` naming every bad key
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  text: string,
  name: string,
  about: {
    readonly faultsOf: (plain: unknown) => readonly ReferenceFault[];
    readonly explained: string;
    /** Fills in what depends on other keys. */
    readonly complete?: (plain: unknown) => unknown;
  },
): z.infer<S> {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new UsherError(
      'config-invalid',
      `${name} is larger than ${MAX_BYTES / 1024} KiB, too large for a configuration`,
    );
  if (isNestedDeeper(text, MAX_DEPTH))
    throw new UsherError(
      'config-invalid',
      `${name} is nested more than ${MAX_DEPTH} deep, too deep for a configuration`,
    );
  const lines = new LineCounter();
  const document = parsed(text, name, lines);
  if (document.errors.length > 0)
    throw new UsherError(
      'config-invalid',
      [`${name} is not valid YAML:`, ...yamlFaults(document, text, lines)].join('\n'),
    );
  let plain: unknown;
  try {
    // A small file of aliases to aliases may stand for gigabytes.
    plain = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsherError('config-invalid', `${name}: ${messageOf(error)}`);
  }
  // Before anything is said of it: what is found is shown, and nothing secret must be.
  secrets.learnFrom(plain);
  plain = about.complete?.(plain) ?? plain;
  const result = schema.safeParse(plain, { reportInput: true });
  const faults = about.faultsOf(plain);
  if (result.success && faults.length === 0) return freeze(result.data);
  const described = (path: readonly PropertyKey[], text: string): string =>
    `  ${keyOf(path)}${lineOf(path, document, lines)}: ${text}`;
  const problems = [
    ...flatten(result.error?.issues ?? []).map((issue) => described(issue.path, explain(issue, schema, plain))),
    ...faults.map(({ path, message }) => described(path, `found ${shown(plain, path)}; ${message}`)),
  ];
  const count = `${problems.length} bad ${problems.length === 1 ? 'key' : 'keys'}`;
  throw new UsherError('config-invalid', [`${name}: ${count}`, ...problems].join('\n'), {
    remedy: `Every key is explained in ${about.explained}`,
  });
}

/**
 * The parser recurses with every level of nesting, and ends with a RangeError where the stack does. Mappings as keys of mappings
 * are refused (`stringKeys`): written out as text, each level doubles the one inside, and 2 KB took minutes.
 */
function parsed(text: string, name: string, lines: LineCounter): ReturnType<typeof parseDocument> {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  } catch (error) {
    throw new UsherError('config-invalid', `${name} is not valid YAML: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The first syntax error alone: those after it follow from it. Two keys of one name are each an error of their own. Never with the
 * line itself, which may hold a password.
 */
function yamlFaults(document: Pick<Document, 'errors'>, text: string, lines: LineCounter): string[] {
  const at = ({ pos: [start] }: YAMLError): string => {
    const { line, col } = lines.linePos(start);
    return `line ${line}, column ${col}`;
  };
  const repeated = document.errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  const syntax = document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY').slice(0, 1);
  return [
    ...syntax.map((fault) =>
      fault.code === 'TAB_AS_INDENT'
        ? `  ${tabs(text)}: a tab; YAML is indented with spaces alone`
        : `  ${at(fault)}: ${fault.message}`,
    ),
    ...repeated.slice(0, 20).map((fault) => `  ${at(fault)}: this key is there twice`),
  ];
}

function tabs(text: string): string {
  const found = text.split('\n').flatMap((line, at) => (/^ *\t/.test(line) ? [at + 1] : []));
  const [shown, more] = [found.slice(0, 10), found.length - 10];
  return `${found.length === 1 ? 'line' : 'lines'} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** One entry per key: an issue that names several unrecognised keys becomes several. */
function flatten(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const flat: z.core.$ZodIssue[] = [];
  for (const issue of issues)
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) flat.push({ ...issue, keys: [key], path: [...issue.path, key] });
    else flat.push(issue);
  return flat;
}

function keyOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return path.length === 0 ? '(top level)' : parts.join('').replace(/^\./, '');
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, plain: unknown): string {
  const { path } = issue;
  return issue.code === 'unrecognized_keys'
    ? explainUnknownKey(schema, plain, path.slice(0, -1), String(path.at(-1)))
    : `found ${shown(plain, path)}; ${issue.message}`;
}

/** Keys whose value is a secret if it is written in the wrong place or form. */
const SECRET_KEY = /pass(word)?$|secret$|token$|passphrase$/i;

function shown(plain: unknown, path: readonly PropertyKey[]): string {
  const value = valueAt(plain, path);
  if (value === undefined) return 'nothing';
  if (SECRET_KEY.test(String(path.at(-1)))) return 'something that is not shown';
  return secrets.hide(JSON.stringify(value)).slice(0, 80);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

/** The line of the deepest node on the path that the file really has. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): string {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return ` (line ${lines.linePos(node.range[0]).line})`;
  }
  return '';
}

export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}

/**
 * Depth by brackets, and by the marks of sequences and keys at the start of a line. Brackets in texts count too; real
 * files do not have that many.
 */
function isNestedDeeper(text: string, most: number): boolean {
  let brackets = 0;
  let marks = 0;
  let beginning = true;
  let before = '';
  for (const char of text) {
    if (char === '\n') [marks, beginning] = [0, true];
    else if (char === '[' || char === '{') brackets++;
    else if (char === ']' || char === '}') brackets = Math.max(0, brackets - 1);
    else if (char === ' ') marks += beginning && (before === '-' || before === '?') ? 1 : 0;
    else if (char !== '-' && char !== '?') beginning = false;
    if (brackets > most || marks > most) return true;
    before = char;
  }
  return false;
}
