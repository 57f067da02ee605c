import { UsherError } from '../../errors';
import { fleetTopicOf } from '../../mqtt/topics/topic-names';
import { monotonicMs } from '../../system/clock';
import { type ArchiveInfo, WHOLE_FLEET } from '../release';
import { refuse } from '../refusal';
import { type ArrivedChunk, type RepositorySource, targetPath } from '../trust/source';
import { decodePart, fileKey, type Part } from './framing';
import { TRANSFER_LIMITS, type TransferLimits } from './limits';
import { cancelled, type Pace } from './pace';
import { SlowWatch } from './slow-watch';

/** Takes one retained message: subscribes to its topic alone, and leaves again. */
export interface RetainedReader {
  /** @throws UsherError `broker-failed` when none came in time or the connection ended; `cancelled` */
  take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface MqttSourceOptions {
  readonly reader: RetainedReader;
  readonly pace: Pace;
  readonly limits?: TransferLimits;
}

/** A file that is exchanged while it is read gives parts of two; so often is it begun again. */
const BEGINNINGS = 4;

/**
 * A repository that lies on the broker in retained parts (`usher fleet publish --carry mqtt` puts it there). Nobody serves it: the
 * box takes one part at a time, when it likes, so that the broker never has more than one chunk on its way to it, and a broken
 * connection costs at most that one.
 */
export class MqttSource implements RepositorySource {
  private readonly limits: TransferLimits;

  constructor(private readonly options: MqttSourceOptions) {
    this.limits = options.limits ?? TRANSFER_LIMITS;
  }

  async file(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null> {
    for (let beginning = 0; beginning < BEGINNINGS; beginning++) {
      const bytes = await this.whole(path, maxBytes, signal);
      if (bytes !== 'changed') return bytes;
    }
    throw failed(`${path} changes faster than it can be read`);
  }

  async *chunks(archive: ArchiveInfo, wanted: readonly number[], signal?: AbortSignal): AsyncIterable<ArrivedChunk> {
    const path = targetPath(archive.path, archive.sha256);
    const slow = new SlowWatch(this.limits, monotonicMs);
    for (const index of wanted) {
      await this.options.pace.turn(archive.chunkBytes, signal);
      slow.restart();
      const { bytes, parts } = await this.part(path, index, signal);
      slow.took(bytes.length);
      if (parts === 0) refuse('metadata-missing', path);
      yield { index, bytes };
    }
  }

  private async whole(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null | 'changed'> {
    const slow = new SlowWatch(this.limits, monotonicMs);
    const first = await this.part(path, 0, signal);
    if (first.parts === 0) return null;
    if (first.fileBytes > maxBytes) refuse('endless-data', `${path}: ${first.fileBytes} bytes, at most ${maxBytes}`);
    // Whoever announces many small parts would have us allocate little and wait long; a part brings at least a byte.
    if (first.parts > Math.max(1, first.fileBytes)) throw failed(`${path} is in more parts than it has bytes`);
    const file = Buffer.alloc(first.fileBytes);
    let at = 0;
    for (let index = 0; ;) {
      const part = index === 0 ? first : await this.part(path, index, signal);
      if (part.parts !== first.parts || part.fileBytes !== first.fileBytes) return 'changed';
      if (at + part.bytes.length > file.length) refuse('endless-data', `${path}: more than it announced`);
      file.set(part.bytes, at);
      at += part.bytes.length;
      slow.took(part.bytes.length);
      if (++index === first.parts) break;
    }
    if (at < file.length) throw failed(`${path}: ${at} of ${file.length} bytes`);
    return file;
  }

  private async part(path: string, index: number, signal?: AbortSignal): Promise<Part> {
    if (signal?.aborted === true) throw cancelled();
    const topic = fleetTopicOf('updateData', { group: WHOLE_FLEET, file: fileKey(path), part: String(index) });
    const part = decodePart(await this.options.reader.take(topic, this.limits.partMs, signal));
    if (part === null || (part.index !== index && part.parts > 0)) throw failed(`part ${index} of ${path} is not one`);
    return part;
  }
}

function failed(why: string): UsherError {
  return new UsherError('broker-failed', `the fleet's repository on the broker: ${why}`, {
    remedy: 'Put it there again: usher fleet carry. The box tries again by itself.',
  });
}
