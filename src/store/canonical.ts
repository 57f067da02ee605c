import { UsherError } from '../errors';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The one text of a JSON value, RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units, numbers as
 * ECMAScript writes them, no white space. Keys without a value are left out, as JSON.stringify does.
 * @throws UsherError `data-invalid` for what has no such text: numbers that are not finite, half a surrogate pair
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new UsherError('data-invalid', 'a number that is not finite has no JSON text');
    return JSON.stringify(value);
  }
  if (typeof value === 'string') {
    if (/\p{Cs}/u.test(value)) throw new UsherError('data-invalid', 'half a surrogate pair has no JSON text');
    return JSON.stringify(value);
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${canonicalJson(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
