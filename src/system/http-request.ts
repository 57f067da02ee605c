import { UsherError } from '../errors';

export type Fetch = typeof globalThis.fetch;

export interface RequestLimits {
  /** Limit until the response header arrives. */
  readonly connectMs: number;
  /** Limit between two chunks of the body. */
  readonly idleMs: number;
  readonly redirects: number;
}

export interface RequestOptions {
  readonly limits: RequestLimits;
  readonly fetch: Fetch;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenRequest {
  readonly response: Response;
  /** The next chunk of the body; null at its end. Rejects if none comes in time. */
  read(): Promise<Uint8Array | null>;
  /** Frees the connection. Must always be called. */
  close(): void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Byte range of a file, first and last included. A last of null means to the end. */
export interface ByteRange {
  readonly first: number;
  readonly last: number | null;
}

/**
 * Starts a GET of a range. `etag`: only if the file still has it, else from the first byte (RFC 9110, If-Range).
 * Redirects are followed one by one, because fetch allows 20 and any change between http and https.
 * @throws what fetch throws; UsherError `download-failed` for a bad address or too many redirects
 */
export async function requestFrom(
  url: string,
  range: ByteRange,
  etag: string | null,
  { limits, fetch, signal }: RequestOptions,
): Promise<OpenRequest> {
  const abort = new AbortController();
  const cancel = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted === true) cancel();
  const deadline = new Deadline(abort);
  const close = (): void => {
    deadline.clear();
    signal?.removeEventListener('abort', cancel);
    abort.abort();
  };
  try {
    deadline.set(limits.connectMs, 'no answer');
    const response = await follow(url, headersFor(range, etag), limits.redirects, fetch, abort.signal);
    deadline.clear();
    const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    const read = async (): Promise<Uint8Array | null> => {
      if (reader === undefined) return null;
      deadline.set(limits.idleMs, 'no data arrived in time');
      const { value } = await reader.read();
      deadline.clear();
      return value ?? null;
    };
    return { response, read, close };
  } catch (error) {
    close();
    throw error;
  }
}

function headersFor({ first, last }: ByteRange, etag: string | null): Record<string, string> {
  // A compressed response would have other bytes than the pinned file.
  const plain = { 'accept-encoding': 'identity', 'user-agent': 'usher' };
  if (first === 0 && last === null) return plain;
  return { ...plain, range: `bytes=${first}-${last ?? ''}`, ...(etag === null ? {} : { 'if-range': etag }) };
}

async function follow(
  url: string,
  headers: Record<string, string>,
  redirects: number,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Response> {
  let address = parse(url);
  for (let hop = 0; ; hop++) {
    const response = await fetch(address, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    if (hop === redirects) throw new UsherError('download-failed', `${url} redirects more than ${redirects} times`);
    const next = parse(location, address);
    if (address.protocol === 'https:' && next.protocol !== 'https:')
      throw new UsherError('download-failed', `${url} redirects from https to ${next.protocol}//${next.host}`);
    address = next;
  }
}

function parse(url: string, base?: URL): URL {
  const address = URL.canParse(url, base?.href) ? new URL(url, base) : null;
  if (address?.protocol !== 'http:' && address?.protocol !== 'https:')
    throw new UsherError('download-failed', `${url} is not an http or https address`);
  return address;
}

/** A timer that aborts the request with a reason. */
class Deadline {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly abort: AbortController) {}

  set(ms: number, what: string): void {
    this.clear();
    this.timer = setTimeout(() => this.abort.abort(new Error(`${what} for ${ms} ms`)), ms);
  }

  clear(): void {
    clearTimeout(this.timer);
  }
}
