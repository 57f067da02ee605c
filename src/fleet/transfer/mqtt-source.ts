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

/** Reads one retained message: subscribes to its topic only, and unsubscribes. */
export interface RetainedReader {
  /** @throws UsherError `broker-failed` if none came in time or the connection ended; `cancelled` */
  take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface MqttSourceOptions {
  readonly reader: RetainedReader;
  readonly pace: Pace;
  readonly limits?: TransferLimits;
}

/** A file that is replaced while it is read gives chunks of two files; then reading starts again, this often. */
const BEGINNINGS = 4;

/**
 * A repository on the broker in retained chunks (published by `usher fleet publish --carry mqtt`). No server is
 * involved: the box reads one chunk at a time, when it wants, so that the broker never has more than one chunk in
 * flight to it, and a broken connection costs at most that one.
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
    // An attacker could announce many small chunks, so that memory use is small but the wait long; each chunk must
    // bring at least a byte.
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
    remedy: 'Publish it again with usher fleet carry. The box retries by itself.',
  });
}
