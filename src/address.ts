/**
 * Addresses (`scheme://…`) as a person may see them: scheme, host and port, never what may hold a credential. Cameras take
 * passwords in the user part, in the path and in the query, so all three are left out. What cannot be parsed without doubt is
 * masked whole: a password with `/`, `#` or `@` in it moves the end of the host.
 */
export const MASK = '***';

const SCHEME = /^([a-z][a-z0-9+.-]{0,30}):\/\//i;
/** What ends the host part; a backslash does in http and ws addresses. */
const AUTHORITY_END = /[/?#\\]/;
const MASKED = /^(?:\*\*\*|(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::\d{1,5})?\/…)[:;,.)\]]*$/iu;
const HOST = /^(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}._-]+)(?::\d{1,5})?$/iu;

export interface AddressParts {
  readonly scheme: string;
  /** `user:password` as written; null without one. */
  readonly userInfo: string | null;
  /** Host and port as written. */
  readonly host: string;
  /** Path, query and fragment as written. */
  readonly rest: string;
}

/** Null if it is not an address, or if the host in it is ambiguous. */
export function parseAddress(text: string): AddressParts | null {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return null;
  const body = text.slice(scheme.length + 3);
  const end = body.search(AUTHORITY_END);
  const authority = end < 0 ? body : body.slice(0, end);
  const rest = end < 0 ? '' : body.slice(end);
  // An @ further on may be the real end of a password that has a / in it.
  if (rest.includes('@')) return null;
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  return HOST.test(host) ? { scheme, userInfo: at < 0 ? null : authority.slice(0, at), host, rest } : null;
}

/** One address, device or file, as messages may call it. */
export function maskAddress(text: string): string {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return isPlainPath(text) ? text : MASK;
  if (/^file:\/\/\/[^@]*$/i.test(text)) return text;
  const parts = parseAddress(text);
  if (parts === null) return `${scheme}://${MASK}`;
  return `${scheme}://${parts.host}${parts.rest === '' || parts.rest === '/' ? '' : '/…'}`;
}

/** An address without its scheme would be taken for a file: `admin:secret@camera/stream`. */
function isPlainPath(text: string): boolean {
  return /^(file:)?(\/(?!\/)|\.\.?\/)/.test(text) || !/[@?&=]/.test(text);
}

/** Free text, such as what ffmpeg complains of: every address in it is masked. */
export function maskAddresses(text: string): string {
  return text.includes('://') ? text.split('\n').map(maskLine).join('\n') : text;
}

function maskLine(line: string): string {
  let out = '';
  let from = 0;
  const lastAt = tokenEnd(line, line.lastIndexOf('@'));
  const start = /[a-z][a-z0-9+.-]{0,30}:\/\//gi;
  for (let found = start.exec(line); found !== null; found = start.exec(line)) {
    out += line.slice(from, found.index);
    const end = addressEnd(line, start.lastIndex, lastAt);
    const token = line.slice(found.index, end);
    const address = token.slice(0, addressLength(token));
    const trailing = token.slice(address.length);
    const masked = /\s/.test(address) ? `${found[0]}${MASK}` : maskAddress(address);
    out += (address === found[0] ? address : masked) + trailing;
    from = end;
    start.lastIndex = end;
  }
  return out + line.slice(from);
}

/** Without the punctuation of the sentence. A loop: an expression that ends in `$` takes quadratic time on a row of dots. */
function addressLength(token: string): number {
  let length = token.length;
  while (length > 0 && ':;,.)]'.includes(token[length - 1] ?? '')) length--;
  return length;
}

/**
 * A password may hold a space or a quote. What reaches up to the last @ of the line belongs to the address, and where it has
 * parameters all of the line does, but for the reason that programs put last (`: Connection refused`).
 */
function addressEnd(line: string, from: number, lastAt: number): number {
  const token = tokenEnd(line, from);
  // A scheme that is only named, or an address that is masked already: what follows is not part of it.
  if (token === from || MASKED.test(line.slice(from, token))) return token;
  const end = Math.max(token, lastAt);
  if (end === line.length || !/[?=]/.test(line.slice(from, end))) return end;
  const reason = /: [A-Z][\w ,.()-]*$/.exec(line.slice(end));
  return reason === null ? line.length : end + reason.index;
}

function tokenEnd(line: string, from: number): number {
  if (from < 0) return 0;
  const length = line.slice(from).search(/[\s"'<>`]/);
  return length < 0 ? line.length : from + length;
}
