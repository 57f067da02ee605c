import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UsherError } from '../../errors';
import type { PartFile } from './part-file';
import { requestFrom, type Fetch } from '../../system/http-request';
import type { PullLimits } from './pull-limits';
import { Backoff } from '../../rx/backoff';

/** A file that is known to the byte before a byte of it is fetched. */
export interface PinnedFile {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface DownloadOptions {
  readonly limits: PullLimits;
  readonly fetch: Fetch;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((received: number) => void) | undefined;
}

/** Worth another attempt: the network, or a server that says "later". */
class Transient extends Error {}
/** The server continued something else, or cannot continue: the next attempt begins at the first byte. */
class Restart extends Error {}

/**
 * Fetches one file and returns its verified bytes. Continues a part that an earlier run left. Never stores more than the
 * pinned number of bytes. Bytes with another digest are thrown away: a wrong file leaves nothing behind.
 * @throws UsherError download-failed (unreachable, refused by the server, too long), model-invalid (wrong bytes), cancelled.
 */
export async function download(
  url: string,
  pinned: PinnedFile,
  part: PartFile,
  options: DownloadOptions,
): Promise<Buffer> {
  const deadline = performance.now() + options.limits.totalMs;
  const backoff = new Backoff(options.limits.backoffMs, options.limits.backoffMaxMs, options.random);
  let inVain = 0;
  let restarts = 0;
  for (;;) {
    const before = await part.size();
    try {
      await fetchRest(url, pinned, part, { ...options, deadline });
      const bytes = await part.verified(pinned.sha256);
      if (bytes !== null) return bytes;
      // The kept beginning may be to blame: of another version of the file, or written by a crash.
      if (before > 0 && restarts < options.limits.restarts) throw new Restart('the kept beginning does not fit');
      await part.discard();
      throw wrongBytes(url, pinned);
    } catch (error) {
      if (options.signal?.aborted === true) throw new UsherError('cancelled', `the download of ${url} was cancelled`);
      if (error instanceof Restart) {
        await part.discard();
        if (++restarts > options.limits.restarts) throw failed(url, error.message, error);
        continue;
      }
      if (!(error instanceof Transient)) throw error instanceof UsherError ? error : unwritable(part, error);
      inVain = (await part.size()) > before ? 0 : inVain + 1;
      if (inVain === 0) backoff.reset();
      if (inVain >= options.limits.attempts || performance.now() > deadline) throw failed(url, error.message, error);
      await sleep(backoff.next(), undefined, options.signal ? { signal: options.signal } : {}).catch(() => null);
    }
  }
}

async function fetchRest(
  url: string,
  pinned: PinnedFile,
  part: PartFile,
  options: DownloadOptions & { readonly deadline: number },
): Promise<void> {
  const have = await part.size();
  if (have === pinned.bytes) return;
  if (have > pinned.bytes) throw new Restart('the part kept from before is longer than the file');
  const origin = await part.origin();
  const validator = have > 0 && origin?.url === url ? origin.etag : null;
  const request = await requestFrom(url, { first: have, last: null }, validator, options).catch((error: unknown) => {
    throw error instanceof UsherError ? error : new Transient(reasonOf(error), { cause: error });
  });
  const { response } = request;
  try {
    const offset = startOf(response, have, url);
    const announced = response.headers.get('content-length');
    if (announced !== null && offset + Number(announced) > pinned.bytes) throw tooLong(url, pinned);
    const etag = response.headers.get('etag');
    const handle = await part.openAt(offset, { url, etag: etag?.startsWith('W/') === true ? null : etag });
    try {
      let received = offset;
      for (;;) {
        const chunk = await request.read().catch((error: unknown) => {
          throw new Transient(reasonOf(error), { cause: error });
        });
        if (chunk === null) break;
        if (performance.now() > options.deadline) throw new Transient('it takes too long');
        if (received + chunk.length > pinned.bytes) {
          await part.discard();
          throw tooLong(url, pinned);
        }
        await handle.write(chunk, 0, chunk.length, received);
        received += chunk.length;
        options.onBytes?.(received);
      }
      if (received < pinned.bytes) throw new Transient(`it ended after ${received} of ${pinned.bytes} bytes`);
    } finally {
      await handle.close();
    }
  } finally {
    request.close();
  }
}

/** At which byte the answer begins. */
function startOf(response: Response, asked: number, url: string): number {
  const { status } = response;
  if (status === 200) return 0;
  if (status === 206) {
    const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (Number(start) !== asked) throw new Restart('the server continued at another byte');
    return asked;
  }
  if (status === 416) throw new Restart('the server has fewer bytes than were kept from before');
  if (status >= 500 || status === 408 || status === 429) throw new Transient(`the server answered ${status}`);
  throw failed(url, `the server answered ${status}`);
}

/** fetch says only "fetch failed"; what failed is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
}

function failed(url: string, why: string, cause?: unknown): UsherError {
  return new UsherError('download-failed', `cannot fetch ${url}: ${why}`, {
    remedy: 'Check the network, or name a folder or mirror that has the files: usher models pull --from …',
    cause,
  });
}

function unwritable(part: PartFile, cause: unknown): UsherError {
  return new UsherError('file-unreadable', `cannot keep the download in ${part.file}: ${messageOf(cause)}`, {
    remedy: 'Check free disk space and that this user may write to the models folder.',
    cause,
  });
}

function tooLong(url: string, pinned: PinnedFile): UsherError {
  return new UsherError(
    'model-invalid',
    `${url} sends more than the ${pinned.bytes} bytes that the catalog pins; stopped`,
    {
      remedy: 'This is not the file of the catalog. Take another mirror.',
    },
  );
}

export function wrongBytes(source: string, pinned: PinnedFile): UsherError {
  return new UsherError('model-invalid', `${source} is not the file of the catalog (sha256 ${pinned.sha256})`, {
    remedy: 'It was changed or damaged; nothing was kept. Take another mirror, or fetch again.',
  });
}
