import { ByteBuffer } from 'flatbuffers';
import { UsherError } from '../../errors';

/**
 * One table of a FlatBuffers buffer, read by field slot (google.github.io/flatbuffers, "internals"). The library trusts its
 * input: it reads zeros beyond the end and follows any offset. Here every position and length is checked against the buffer
 * first, so that a damaged file ends in `model-invalid`, not in nonsense or in an allocation of its choosing.
 */
export class FlatTable {
  private constructor(
    private readonly buffer: ByteBuffer,
    private readonly position: number,
    private readonly limits: { readonly maxElements: number },
  ) {}

  /** The root table. `maxElements` caps each vector of tables or strings. */
  static root(bytes: Uint8Array, maxElements: number): FlatTable {
    const buffer = new ByteBuffer(bytes);
    return new FlatTable(buffer, 0, { maxElements }).tableAt(0);
  }

  string(slot: number): string {
    const at = this.field(slot, 4);
    return at === 0 ? '' : this.stringAt(at);
  }

  strings(slot: number): string[] {
    return this.elements(slot, (at) => this.stringAt(at));
  }

  table(slot: number): FlatTable | null {
    const at = this.field(slot, 4);
    return at === 0 ? null : this.tableAt(at);
  }

  tables(slot: number): FlatTable[] {
    return this.elements(slot, (at) => this.tableAt(at));
  }

  int32(slot: number): number {
    const at = this.field(slot, 4);
    return at === 0 ? 0 : this.buffer.readInt32(at);
  }

  /** A struct of one float. */
  float(slot: number): number {
    const at = this.field(slot, 4);
    return at === 0 ? 0 : this.buffer.readFloat32(at);
  }

  /** A struct of one int64, which must be a number that JavaScript holds exactly. */
  int64(slot: number): number {
    const at = this.field(slot, 8);
    return at === 0 ? 0 : this.exact(at);
  }

  int64s(slot: number): number[] {
    const vector = this.vector(slot, 8);
    return Array.from({ length: vector.length }, (_, index) => this.exact(vector.start + index * 8));
  }

  /** The bytes of a vector whose elements have `elementBytes` each; a view, not a copy. */
  bytes(slot: number, elementBytes: number): Uint8Array {
    const { start, length } = this.vector(slot, elementBytes, Number.MAX_SAFE_INTEGER);
    return this.buffer.bytes().subarray(start, start + length * elementBytes);
  }

  private elements<T>(slot: number, read: (at: number) => T): T[] {
    const vector = this.vector(slot, 4);
    return Array.from({ length: vector.length }, (_, index) => read(vector.start + index * 4));
  }

  private vector(slot: number, elementBytes: number, maxElements = this.limits.maxElements) {
    const at = this.field(slot, 4);
    if (at === 0) return { start: 0, length: 0 };
    const vector = this.follow(at);
    const length = this.unsigned(vector);
    if (length > maxElements) throw damaged(`a list of ${length} entries at byte ${vector}`);
    this.check(vector + 4, length * elementBytes);
    return { start: vector + 4, length };
  }

  private stringAt(at: number): string {
    const text = this.follow(at);
    const length = this.unsigned(text);
    this.check(text + 4, length);
    return Buffer.from(this.buffer.bytes().subarray(text + 4, text + 4 + length)).toString('utf8');
  }

  private tableAt(at: number): FlatTable {
    const position = this.follow(at);
    this.check(position, 4);
    const vtable = position - this.buffer.readInt32(position);
    this.check(vtable, 4);
    this.check(vtable, this.buffer.readUint16(vtable));
    return new FlatTable(this.buffer, position, this.limits);
  }

  /** Where a field of `bytes` bytes lies; 0 when the table leaves it out. */
  private field(slot: number, bytes: number): number {
    const offset = this.buffer.__offset(this.position, 4 + 2 * slot);
    if (offset === 0) return 0;
    this.check(this.position + offset, bytes);
    return this.position + offset;
  }

  private follow(at: number): number {
    return at + this.unsigned(at);
  }

  private unsigned(at: number): number {
    this.check(at, 4);
    return this.buffer.readUint32(at);
  }

  private exact(at: number): number {
    const value = Number(this.buffer.readInt64(at));
    if (!Number.isSafeInteger(value)) throw damaged(`the number ${value} at byte ${at}`);
    return value;
  }

  private check(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.buffer.capacity()) throw damaged(`${bytes} bytes at ${at}, outside the file`);
  }
}

function damaged(what: string): UsherError {
  return new UsherError('model-invalid', `damaged FlatBuffers content: ${what}`, {
    remedy: 'Fetch the file again.',
  });
}
