import { messageOf, UsherError } from '../../errors';

/**
 * Events of the Wyoming protocol (github.com/rhasspy/wyoming): a line of JSON `{type, data?, data_length?, payload_length?}`, then
 * `data_length` bytes of JSON that are merged over `data`, then `payload_length` bytes of sound.
 */
export interface WyomingEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly payload: Buffer;
}

/** What a peer may send in one event. A client's pieces of sound are a few KB. */
export const WYOMING_LIMITS = { headerBytes: 8 * 1024, dataBytes: 64 * 1024, payloadBytes: 512 * 1024 } as const;

const TYPE = /^[a-z][a-z0-9-]{0,63}$/;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

interface Header {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly dataBytes: number;
  readonly payloadBytes: number;
}

/**
 * Splits a byte stream into events. Holds at most one event within the limits; larger ones are refused before they are
 * read.
 */
export class WyomingParser {
  private parts: Buffer[] = [];
  private held = 0;
  private header: Header | null = null;

  /** In the middle of an event. */
  get pending(): boolean {
    return this.held > 0 || this.header !== null;
  }

  /** @throws UsherError `message-invalid`; the stream makes no sense from there on */
  push(chunk: Buffer, emit: (event: WyomingEvent) => void): void {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.header === null ? this.line(rest) : this.body(rest, this.header);
      if (this.header !== null && this.held >= this.header.dataBytes + this.header.payloadBytes) {
        const event = finished(this.header, this.taken());
        this.header = null;
        emit(event);
      }
    }
  }

  private line(chunk: Buffer): Buffer {
    const end = chunk.indexOf(NEWLINE);
    const part = end === -1 ? chunk : chunk.subarray(0, end);
    if (this.held + part.length > WYOMING_LIMITS.headerBytes)
      throw invalid(`a header line of more than ${WYOMING_LIMITS.headerBytes} bytes`);
    this.keep(part);
    if (end === -1) return NOTHING;
    this.header = headerOf(this.taken());
    return chunk.subarray(end + 1);
  }

  private body(chunk: Buffer, { dataBytes, payloadBytes }: Header): Buffer {
    const part = chunk.subarray(0, dataBytes + payloadBytes - this.held);
    this.keep(part);
    return chunk.subarray(part.length);
  }

  private keep(part: Buffer): void {
    if (part.length === 0) return;
    this.parts.push(part);
    this.held += part.length;
    // A stream of single bytes must not become a list of them.
    if (this.parts.length > 64) this.parts = [Buffer.concat(this.parts)];
  }

  private taken(): Buffer {
    const all = Buffer.concat(this.parts);
    this.parts = [];
    this.held = 0;
    return all;
  }
}

export function encodeEvent(type: string, data: object = {}, payload: Buffer = NOTHING): Buffer {
  const bytes = Buffer.from(JSON.stringify(data));
  const header = {
    type,
    data_length: bytes.length,
    ...(payload.length === 0 ? {} : { payload_length: payload.length }),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes, payload]);
}

function headerOf(line: Buffer): Header {
  const header = objectOf(line, 'a header');
  const { type, data } = header;
  if (typeof type !== 'string' || !TYPE.test(type)) throw invalid('a header without a type');
  return {
    type,
    data: data === undefined || data === null ? {} : plain(data, 'the data of a header'),
    dataBytes: lengthOf(header['data_length'], WYOMING_LIMITS.dataBytes, 'data'),
    payloadBytes: lengthOf(header['payload_length'], WYOMING_LIMITS.payloadBytes, 'payload'),
  };
}

function finished({ type, data, dataBytes }: Header, body: Buffer): WyomingEvent {
  const more = dataBytes === 0 ? {} : objectOf(body.subarray(0, dataBytes), 'data');
  return { type, data: { ...data, ...more }, payload: body.subarray(dataBytes) };
}

function lengthOf(value: unknown, most: number, what: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw invalid(`a ${what}_length that is not 0 to ${most}`);
}

function objectOf(bytes: Buffer, what: string): Readonly<Record<string, unknown>> {
  try {
    return plain(JSON.parse(bytes.toString('utf8')), what);
  } catch (error) {
    throw error instanceof UsherError ? error : invalid(`${what} that is not JSON (${messageOf(error).slice(0, 80)})`);
  }
}

function plain(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw invalid(`${what} that is no JSON object`);
}

function invalid(what: string): UsherError {
  return new UsherError('message-invalid', `Wyoming: ${what}`);
}
