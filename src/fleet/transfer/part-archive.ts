import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, UsherError } from '../../errors';
import type { ArchiveInfo } from '../release';
import type { TransferLimits } from './limits';

/**
 * An archive in transfer: `<digest>.part` has its bytes at their places, `<digest>.map` one byte a chunk, 1 for a chunk
 * that is there. The map is not trusted: every chunk is hashed again before it counts, so that a power cut, a bad disk
 * or an edit costs only the wrong chunks. Only chunks with the right digest are stored.
 */
export class PartArchive {
  private readonly have: Uint8Array;
  private readonly digests: Buffer;
  private unsynced = 0;

  private constructor(
    private readonly archive: ArchiveInfo,
    private readonly part: FileHandle,
    private readonly map: FileHandle,
    private readonly limits: TransferLimits,
  ) {
    this.digests = Buffer.from(archive.chunks, 'base64');
    this.have = new Uint8Array(this.digests.length / 32);
  }

  /** @throws UsherError `store-unavailable` */
  static async open(folder: string, archive: ArchiveInfo, limits: TransferLimits): Promise<PartArchive> {
    return kept(folder, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const part = await openOrMake(fileOf(folder, archive.sha256, 'part'));
      try {
        const map = await openOrMake(fileOf(folder, archive.sha256, 'map'));
        try {
          const opened = new PartArchive(archive, part, map, limits);
          await opened.look();
          return opened;
        } catch (error) {
          await map.close();
          throw error;
        }
      } catch (error) {
        await part.close();
        throw error;
      }
    });
  }

  static async discard(folder: string, sha256: string): Promise<void> {
    for (const kind of ['part', 'map'] as const) await rm(fileOf(folder, sha256, kind), { force: true });
  }

  /** Chunks of the map that were wrong when this was opened. */
  poisoned = 0;

  get missing(): number[] {
    return [...this.have.keys()].filter((index) => this.have[index] === 0);
  }

  /** Number of correct bytes. */
  get haveBytes(): number {
    return this.have.reduce((sum, there, index) => (there === 0 ? sum : sum + this.lengthOf(index)), 0);
  }

  /** False for a chunk with a wrong digest, which is not stored. @throws UsherError `store-unavailable` */
  async put(index: number, bytes: Uint8Array): Promise<boolean> {
    if (index >= this.have.length || bytes.length !== this.lengthOf(index) || !this.isRight(index, bytes)) return false;
    return kept(this.archive.path, async () => {
      await this.part.write(bytes, 0, bytes.length, index * this.archive.chunkBytes);
      this.unsynced += bytes.length;
      if (this.unsynced >= this.limits.syncBytes) await this.sync();
      this.have[index] = 1;
      await this.map.write(this.have, index, 1, index);
      return true;
    });
  }

  /** The complete archive, open for reading, on disk. Only if no chunk is missing. */
  async whole(): Promise<FileHandle> {
    if (this.missing.length > 0) throw new Error('an archive with missing chunks was asked for');
    await kept(this.archive.path, () => this.sync());
    return this.part;
  }

  async close(): Promise<void> {
    await this.part.close();
    await this.map.close();
  }

  private async sync(): Promise<void> {
    await this.part.datasync();
    this.unsynced = 0;
  }

  private async look(): Promise<void> {
    // Longer than the archive: bytes of another file.
    if ((await this.part.stat()).size > this.archive.bytes) await this.part.truncate(this.archive.bytes);
    const claims = new Uint8Array(this.have.length);
    await this.map.read(claims, 0, claims.length, 0);
    const chunk = new Uint8Array(this.archive.chunkBytes);
    for (const index of claims.keys()) {
      if (claims[index] !== 1) continue;
      const length = this.lengthOf(index);
      const { bytesRead } = await this.part.read(chunk, 0, length, index * this.archive.chunkBytes);
      if (bytesRead === length && this.isRight(index, chunk.subarray(0, length))) this.have[index] = 1;
      else this.poisoned++;
    }
    await this.map.write(this.have, 0, this.have.length, 0);
    await this.map.truncate(this.have.length);
  }

  private lengthOf(index: number): number {
    return Math.min(this.archive.chunkBytes, this.archive.bytes - index * this.archive.chunkBytes);
  }

  private isRight(index: number, bytes: Uint8Array): boolean {
    return createHash('sha256')
      .update(bytes)
      .digest()
      .equals(this.digests.subarray(index * 32, index * 32 + 32));
  }
}

function fileOf(folder: string, sha256: string, kind: 'part' | 'map'): string {
  return path.join(folder, `${sha256}.${kind}`);
}

async function openOrMake(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r+');
  } catch {
    // Missing, or not an ordinary file that could be continued.
    await rm(file, { recursive: true, force: true });
    return open(file, 'wx+', 0o600);
  }
}

/** @throws UsherError `store-unavailable` for errors of the file system */
export async function kept<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsherError) throw error;
    throw new UsherError('store-unavailable', `a release cannot be kept (${where}): ${messageOf(error)}`, {
      remedy: 'Check free disk space, and that the user of usher owns the data folder.',
      cause: error,
    });
  }
}
