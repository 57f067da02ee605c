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
  let text: string;
  try {
    text = await readFile(absolute, 'utf8');
  } catch (error) {
    throw new UsherError('file-unreadable', `configuration ${absolute}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name a configuration with --config FILE; device-config/gym-entrance.yaml is a commented start',
    });
  }
  const config = parseConfig(text, absolute);
  const dir = dirname(absolute);
  return { config, file: absolute, dataDir: resolve(dir, config.dataDir), modelsDir: resolve(dir, config.models.dir) };
}

/** @param name of the text, for messages */
export function parseConfig(text: string, name: string): Config {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new UsherError('config-invalid', `${name}: larger than ${MAX_BYTES / 1024} KiB, this is no configuration`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  if (document.errors.length > 0)
    throw new UsherError(
      'config-invalid',
      [`${name} is not valid YAML:`, ...document.errors.map((e) => `  ${e.message}`)].join('\n'),
    );
  let plain: unknown;
  try {
    // A small file of aliases to aliases may stand for gigabytes.
    plain = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsherError('config-invalid', `${name}: ${messageOf(error)}`);
  }
  const result = ConfigSchema.safeParse(plain, { reportInput: true });
  const faults = referenceFaults(plain);
  if (result.success && faults.length === 0) return freeze(result.data);
  const told = (path: readonly PropertyKey[], text: string): string =>
    `  ${keyOf(path)}${lineOf(path, document, lines)}: ${text}`;
  const problems = [
    ...flatten(result.error?.issues ?? []).map((issue) => told(issue.path, explain(issue, plain))),
    ...faults.map(({ path, message }) => told(path, `found ${shown(valueAt(plain, path))}; ${message}`)),
  ];
  const count = `${problems.length} bad ${problems.length === 1 ? 'key' : 'keys'}`;
  throw new UsherError('config-invalid', [`${name}: ${count}`, ...problems].join('\n'), {
    remedy: 'Every key is explained in device-config/gym-entrance.yaml and, for editors, device-config/schema.json',
  });
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

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
