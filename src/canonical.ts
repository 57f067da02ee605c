/** What can be signed: JSON values, plain data only. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Names one kind of signed statement and its version. Closed by form, so that no domain can hold the separator. */
export type SigningDomain = `usher-${string}-v${number}`;

const DOMAIN = /^usher-[a-z0-9-]{1,40}-v\d{1,3}$/;
const MAX_DEPTH = 32;

/**
 * The canonical text of a value: RFC 8785 (JSON Canonicalization Scheme). Two programs with equal values get the same
 * bytes, whatever order or spacing the value had in transit. Numbers and strings are written as `JSON.stringify` does,
 * which the RFC requires.
 * @throws TypeError for values without JSON: NaN, infinities, undefined, lone surrogates, class instances
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/**
 * What is signed: the domain, a newline, the canonical text. Without the domain a signature under one kind of statement could be
 * shown under another that happens to have the same fields.
 */
export function signedBytes(domain: SigningDomain, statement: Readonly<Record<string, unknown>>): Buffer {
  if (!DOMAIN.test(domain)) throw new TypeError(`not a signing domain: ${domain}`);
  return Buffer.from(`${domain}\n${canonicalJson(statement)}`, 'utf8');
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError(`nested deeper than ${MAX_DEPTH}`);
  if (value === null) return 'null';
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`no JSON number: ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === 'object') return Array.isArray(value) ? array(value, depth) : object(value, depth);
  throw new TypeError(`no JSON value: ${typeof value}`);
}

function text(value: string): string {
  // JSON.stringify writes a lone surrogate as an escape, so two strings that UTF-8 cannot carry would pass; the RFC forbids them.
  if (/\p{Surrogate}/u.test(value)) throw new TypeError('a string with a lone surrogate');
  return JSON.stringify(value);
}

function array(values: readonly unknown[], depth: number): string {
  // By index, and not by `map`: a hole must be an error, not an empty place.
  return `[${Array.from(values, (value) => write(value, depth + 1)).join(',')}]`;
}

function object(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A root prototype of any realm; a Date or a Map would be written as something else than what it is.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw new TypeError('not a plain object');
  const members = Object.entries(value)
    // Sorted by UTF-16 code units, as the RFC asks and as JavaScript compares strings.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${text(key)}:${write(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}
