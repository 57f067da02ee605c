import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { type z } from 'zod';
import { messageOf, UsherError } from '../errors';
import { referenceFaults } from './references';
import { type Config, ConfigSchema } from './schema';

export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: Config;
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Absolute folders, resolved against the file's own. */
  readonly dataDir: string;
  readonly modelsDir: string;
}

/** A configuration larger than this is not one. */
const MAX_BYTES = 256 * 1024;

/**
 * Reads and checks a configuration file.
 * @throws UsherError `file-unreadable`, or `config-invalid` naming every bad key: its path and line, what was found, what is allowed
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const absolute = resolve(file);
  const config = parseConfig(await readConfigFile(absolute, 'device-config/gym-entrance.yaml'), absolute);
  const dir = dirname(absolute);
  return { config, file: absolute, dataDir: resolve(dir, config.dataDir), modelsDir: resolve(dir, config.models.dir) };
}

/** @throws UsherError `file-unreadable` */
export async function readConfigFile(file: string, example: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsherError('file-unreadable', `configuration ${file}: ${messageOf(error)}`, {
      cause: error,
      remedy: `Name a configuration with --config FILE; ${example} is a commented start`,
    });
  }
}

/** @param name of the text, for messages */
export function parseConfig(text: string, name: string): Config {
  return parseWith(ConfigSchema, text, name, {
    faultsOf: referenceFaults,
    explained: 'device-config/gym-entrance.yaml and, for editors, device-config/schema.json',
  });
}

/**
 * Text of a configuration to a frozen, checked value of any schema.
 * @throws UsherError `config-invalid` naming every bad key
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  text: string,
  name: string,
  about: { readonly faultsOf: (plain: unknown) => ReturnType<typeof referenceFaults>; readonly explained: string },
): z.infer<S> {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new UsherError('config-invalid', `${name}: larger than ${MAX_BYTES / 1024} KiB, this is no configuration`);
  const lines = new LineCounter();
  const document = parsed(text, name, lines);
  if (document.errors.length > 0)
    throw new UsherError(
      'config-invalid',
      [`${name} is not valid YAML:`, ...document.errors.slice(0, 20).map((e) => `  ${e.message}`)].join('\n'),
    );
  let plain: unknown;
  try {
    // A small file of aliases to aliases may stand for gigabytes.
    plain = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsherError('config-invalid', `${name}: ${messageOf(error)}`);
  }
  const result = schema.safeParse(plain, { reportInput: true });
  const faults = about.faultsOf(plain);
  if (result.success && faults.length === 0) return freeze(result.data);
  const told = (path: readonly PropertyKey[], text: string): string =>
    `  ${keyOf(path)}${lineOf(path, document, lines)}: ${text}`;
  const problems = [
    ...flatten(result.error?.issues ?? []).map((issue) => told(issue.path, explain(issue, plain))),
    ...faults.map(({ path, message }) => told(path, `found ${shown(valueAt(plain, path))}; ${message}`)),
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
    return parseDocument(text, { lineCounter: lines, prettyErrors: true, stringKeys: true });
  } catch (error) {
    throw new UsherError('config-invalid', `${name} is not valid YAML: ${messageOf(error)}`, { cause: error });
  }
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

function explain(issue: z.core.$ZodIssue, plain: unknown): string {
  return issue.code === 'unrecognized_keys'
    ? 'no such key'
    : `found ${shown(valueAt(plain, issue.path))}; ${issue.message}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
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
