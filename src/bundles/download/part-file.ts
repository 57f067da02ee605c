import { type FileHandle, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../digest';

/** From where the bytes of a part file came; a later answer with another validator is another file. */
const Origin = z.object({ url: z.string(), etag: z.string().nullable() });
export type PartOrigin = z.infer<typeof Origin>;

/**
 * A download on its way, kept across runs: `<digest>.part` holds the first bytes, `<digest>.origin` where they came from. Named
 * by the digest that it must reach, so that another version of a file never continues it.
 */
export class PartFile {
  readonly file: string;
  private readonly originFile: string;

  constructor(
    private readonly folder: string,
    digest: string,
  ) {
    this.file = path.join(folder, `${digest}.part`);
    this.originFile = path.join(folder, `${digest}.origin`);
  }

  async size(): Promise<number> {
    return stat(this.file).then(
      (found) => found.size,
      () => 0,
    );
  }

  async origin(): Promise<PartOrigin | null> {
    try {
      return Origin.parse(JSON.parse(await readFile(this.originFile, 'utf8')));
    } catch {
      return null;
    }
  }

  /** Opens for writing at `offset`; what lies beyond is cut off. */
  async openAt(offset: number, origin: PartOrigin): Promise<FileHandle> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.originFile, JSON.stringify(origin));
    const handle = await open(this.file, offset === 0 ? 'w' : 'r+');
    if (offset > 0) await handle.truncate(offset);
    return handle;
  }

  /** The whole content, if it has the digest. The caller has made sure of its size. */
  async verified(digest: string): Promise<Buffer | null> {
    const bytes = await readFile(this.file);
    return sha256Hex(bytes) === digest ? bytes : null;
  }

  async discard(): Promise<void> {
    await rm(this.file, { force: true });
    await rm(this.originFile, { force: true });
  }
}
