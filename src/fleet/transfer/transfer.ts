import { statfs } from 'node:fs/promises';
import { UsherError } from '../../errors';
import type { ArchiveInfo, Transfer, TransferProgress, VerifiedRelease } from '../release';
import { refuse, ReleaseRefused } from '../refusal';
import type { RepositorySource } from '../trust/source';
import { TRANSFER_LIMITS, type TransferLimits } from './limits';
import { cancelled, rest } from './pace';
import { kept, PartArchive } from './part-archive';
import { unpack } from './unpack';

export interface TransferOptions {
  /** Folder of archives in transfer. */
  readonly folder: string;
  readonly source: RepositorySource;
  readonly random?: () => number;
  readonly limits?: TransferLimits;
}

/** Fetches archives chunk by chunk from a source, and survives interruptions. One at a time for each archive. */
export class ArchiveTransfer implements Transfer {
  private readonly limits: TransferLimits;

  constructor(private readonly options: TransferOptions) {
    this.limits = options.limits ?? TRANSFER_LIMITS;
  }

  async fetch(
    { release }: VerifiedRelease,
    dir: string,
    onProgress: (progress: TransferProgress) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const { folder } = this.options;
    const { archive } = release;
    const part = await PartArchive.open(folder, archive, this.limits);
    try {
      await this.requireSpace(archive, part.haveBytes);
      await this.fill(part, archive, onProgress, signal);
      await unpack(await part.whole(), release, dir);
    } finally {
      await part.close();
    }
    await this.forget(archive.sha256);
  }

  forget(sha256: string): Promise<void> {
    return PartArchive.discard(this.options.folder, sha256);
  }

  private async fill(
    part: PartArchive,
    archive: ArchiveInfo,
    onProgress: (progress: TransferProgress) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const count = { received: 0, have: part.haveBytes, wrong: 0 };
    const report = (): void => onProgress({ have: count.have, total: archive.bytes, received: count.received });
    report();
    let inVain = 0;
    for (let missing = part.missing; missing.length > 0; missing = part.missing) {
      const before = { ...count };
      let failure: Error | null = null;
      try {
        for await (const { index, bytes } of this.options.source.chunks(archive, missing, signal)) {
          count.received += bytes.length;
          if (await part.put(index, bytes)) count.have += bytes.length;
          else if (++count.wrong > this.limits.wrongChunks)
            refuse('digest-mismatch', `${count.wrong} chunks of ${archive.path}`);
          report();
        }
      } catch (error) {
        if (signal?.aborted === true) throw cancelled();
        if (!isPassing(error)) throw error;
        failure = error;
      }
      const gained = count.have > before.have;
      // All remaining chunks are wrong at the source, so that further requests do not help.
      if (!gained && count.wrong > before.wrong) refuse('digest-mismatch', `${count.wrong} chunks of ${archive.path}`);
      inVain = gained ? 0 : inVain + 1;
      if (inVain >= this.limits.attemptsInVain)
        throw failure ?? new UsherError('download-failed', `${archive.path} does not come`);
      if (failure !== null || !gained) await rest(this.waitMs(inVain), signal);
    }
  }

  private waitMs(inVain: number): number {
    const { backoffMs, backoffMaxMs } = this.limits;
    return (this.options.random ?? Math.random)() * Math.min(backoffMaxMs, backoffMs * 2 ** inVain);
  }

  /** Archive and unpacked files need space at the same time. */
  private async requireSpace(archive: ArchiveInfo, have: number): Promise<void> {
    const { folder } = this.options;
    const { bavail, bsize } = await kept(folder, () => statfs(folder));
    const wanted = archive.bytes - have + archive.bytes + this.limits.spareBytes;
    if (bavail * bsize >= wanted) return;
    throw new UsherError(
      'store-unavailable',
      `a release needs ${Math.ceil(wanted / 1e6)} MB of disk, ${Math.floor((bavail * bsize) / 1e6)} MB are free in ${folder}`,
      { remedy: 'Make room; the box tries again by itself.' },
    );
  }
}

/** A network error, which may pass. */
function isPassing(error: unknown): error is UsherError {
  if (error instanceof ReleaseRefused) return false;
  return error instanceof UsherError && (error.code === 'download-failed' || error.code === 'broker-failed');
}
