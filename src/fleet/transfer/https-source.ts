import { messageOf, UsherError } from '../../errors';
import { monotonicMs } from '../../system/clock';
import { type ByteRange, type Fetch, type OpenRequest, requestFrom } from '../../system/http-request';
import type { ArchiveInfo } from '../release';
import { refuse, ReleaseRefused } from '../refusal';
import { type ArrivedChunk, type RepositorySource, targetPath } from '../trust/source';
import { TRANSFER_LIMITS, type TransferLimits } from './limits';
import { cancelled, type Pace } from './pace';
import { SlowWatch } from './slow-watch';

export interface HttpsSourceOptions {
  /** Address of the repository folder. */
  readonly url: string;
  readonly pace: Pace;
  readonly fetch?: Fetch;
  readonly limits?: TransferLimits;
}

/** A repository on any web server. Chunks are fetched by ranges, one request for each run of missing ones. */
export class HttpsSource implements RepositorySource {
  private readonly base: string;
  private readonly limits: TransferLimits;
  /** The start of the chunk in which the connection broke: on a bad line, half a chunk each time is much. */
  private begun: { readonly sha256: string; readonly index: number; readonly bytes: Uint8Array } | null = null;

  constructor(private readonly options: HttpsSourceOptions) {
    this.base = options.url.replace(/\/+$/, '');
    this.limits = options.limits ?? TRANSFER_LIMITS;
  }

  async file(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null> {
    return this.explained(path, signal, async () => {
      const request = await this.request(path, { first: 0, last: null }, signal);
      try {
        const { status } = request.response;
        // As tuf-js does: web servers of object stores answer 403 for a missing file.
        if (status === 404 || status === 403) return null;
        if (status !== 200) throw failed(path, `the server answered ${status}`);
        return await this.readAll(request, path, maxBytes);
      } finally {
        request.close();
      }
    });
  }

  async *chunks(archive: ArchiveInfo, wanted: readonly number[], signal?: AbortSignal): AsyncIterable<ArrivedChunk> {
    for (const run of runsOf(wanted)) yield* this.run(archive, run, signal);
  }

  private async *run(
    archive: ArchiveInfo,
    run: readonly [number, number],
    signal?: AbortSignal,
  ): AsyncIterable<ArrivedChunk> {
    const { chunkBytes } = archive;
    const path = targetPath(archive.path, archive.sha256);
    const end = Math.min((run[1] + 1) * chunkBytes, archive.bytes);
    const begun = this.begunOf(archive, run[0]);
    const first = run[0] * chunkBytes + begun.length;
    const request = await this.explained(path, signal, () => this.request(path, { first, last: end - 1 }, signal));
    this.begun = null;
    const slow = new SlowWatch(this.limits, monotonicMs);
    let index = run[0];
    let chunk = new Uint8Array(Math.min(chunkBytes, end - index * chunkBytes));
    chunk.set(begun);
    let filled = begun.length;
    try {
      // A server without ranges sends the file from its start: skip what comes before the run.
      let at = startOf(request.response, first, path);
      const stop = request.response.status === 200 ? archive.bytes : end;
      while (index <= run[1]) {
        const piece = await this.explained(path, signal, () => request.read());
        if (piece === null) throw failed(path, `it ended after ${at} of ${end} bytes`);
        slow.took(piece.length);
        if (at + piece.length > stop) refuse('endless-data', `${path}: more than the ${stop - first} bytes asked for`);
        for (let from = Math.max(0, first - at); from < piece.length && index <= run[1];) {
          const taken = Math.min(chunk.length - filled, piece.length - from);
          chunk.set(piece.subarray(from, from + taken), filled);
          filled += taken;
          from += taken;
          if (filled < chunk.length) continue;
          yield { index, bytes: chunk };
          index++;
          // The consumer may keep the previous one.
          chunk = new Uint8Array(Math.max(0, Math.min(chunkBytes, end - index * chunkBytes)));
          filled = 0;
          await this.options.pace.turn(chunkBytes, signal);
          slow.restart();
        }
        at += piece.length;
      }
    } finally {
      request.close();
      if (filled > 0 && filled < chunk.length)
        this.begun = { sha256: archive.sha256, index, bytes: chunk.slice(0, filled) };
    }
  }

  /** Not trusted: if it was wrong, the chunk is wrong, and is fetched again from its first byte. */
  private begunOf({ sha256 }: ArchiveInfo, index: number): Uint8Array {
    const { begun } = this;
    return begun?.sha256 === sha256 && begun.index === index ? begun.bytes : new Uint8Array(0);
  }

  private async readAll(request: OpenRequest, path: string, maxBytes: number): Promise<Uint8Array> {
    const slow = new SlowWatch(this.limits, monotonicMs);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const piece = await request.read();
      if (piece === null) return Buffer.concat(pieces);
      length += piece.length;
      slow.took(piece.length);
      if (length > maxBytes) refuse('endless-data', `${path}: more than ${maxBytes} bytes`);
      pieces.push(piece);
    }
  }

  private request(path: string, range: ByteRange, signal?: AbortSignal): Promise<OpenRequest> {
    return requestFrom(`${this.base}/${path.split('/').map(encodeURIComponent).join('/')}`, range, null, {
      limits: this.limits,
      fetch: this.options.fetch ?? globalThis.fetch,
      signal,
    });
  }

  private async explained<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted === true) throw cancelled();
      if (error instanceof ReleaseRefused || error instanceof UsherError) throw error;
      const cause = error instanceof Error ? error.cause : undefined;
      throw failed(path, cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`, error);
    }
  }
}

/** Runs of consecutive numbers of an ascending list, as first and last. */
export function runsOf(wanted: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const index of wanted) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs;
}

function startOf(response: Response, asked: number, path: string): number {
  if (response.status === 200) return 0;
  if (response.status !== 206) throw failed(path, `the server answered ${response.status}`);
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (Number(start) !== asked) throw failed(path, 'the server continued at another byte');
  return asked;
}

function failed(path: string, why: string, cause?: unknown): UsherError {
  return new UsherError('download-failed', `cannot fetch ${path} of the fleet's repository: ${why}`, {
    remedy: 'Check the network and fleet.source.url; the box tries again by itself.',
    cause,
  });
}
