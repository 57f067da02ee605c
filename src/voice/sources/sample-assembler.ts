import { type Assembler } from '../../sources/source-process';
import { type ChannelMixer } from '../../sources/channels';
import { type LentSound, PIECE_SAMPLES } from './sound';

export type SampleFormat = 's16le' | 'f32le';
const WIDTH = { s16le: 2, f32le: 4 } as const;

/**
 * One second of sound at most is unreturned; then the writer has to wait. A pipe holds 2 s more before a recorder
 * overruns.
 */
const MOST_LENT = 4;
const OVERRUN = /over-?run/gi;

/** Turns raw bytes into pieces of sound, in buffers that are reused once released. */
export class SampleAssembler implements Assembler<LentSound> {
  whenRoom?: () => void;
  private readonly bytes: Uint8Array;
  private readonly shorts: Int16Array;
  private readonly floats: Float32Array;
  private readonly free: Float32Array[] = [];
  /** Interleaved samples of a stereo piece on their way to one channel; null for mono. */
  private readonly stereo: Float32Array | null;
  /** Bytes of one sample of all channels. */
  private readonly width: number;
  private held = 0;
  private lent = 0;
  private total = 0;
  private gap = true;
  private broken = false;
  private attentive = false;
  private overrunCount = 0;

  /** @param mixer makes one channel of two interleaved ones; null: the bytes are mono */
  constructor(
    private readonly format: SampleFormat,
    private readonly mixer: ChannelMixer | null = null,
    private readonly now: () => number = Date.now,
  ) {
    const channels = mixer === null ? 1 : 2;
    this.width = WIDTH[format] * channels;
    this.stereo = mixer === null ? null : new Float32Array(2 * PIECE_SAMPLES);
    const memory = new ArrayBuffer(PIECE_SAMPLES * this.width);
    this.bytes = new Uint8Array(memory);
    this.shorts = new Int16Array(memory);
    this.floats = new Float32Array(memory, 0, memory.byteLength >> 2);
  }

  get full(): boolean {
    return this.lent >= MOST_LENT;
  }

  /** Times that the recorder complained of sound it could not hand over. */
  get overruns(): number {
    return this.overrunCount;
  }

  remark(text: string): void {
    const found = text.match(OVERRUN)?.length ?? 0;
    if (found === 0) return;
    this.overrunCount += found;
    this.broken = true;
  }

  push(chunk: Buffer, emit: (sound: LentSound) => void): void {
    if (this.broken) {
      // What came before the gap is not of one piece with what comes after it.
      this.flush(emit);
      this.gap = true;
      this.broken = false;
    }
    for (let from = 0; from < chunk.length;) {
      const count = chunk.copy(this.bytes, this.held, from);
      from += count;
      this.held += count;
      if (this.held === this.bytes.length) this.flush(emit);
    }
    if (this.attentive) this.flush(emit);
  }

  flush(emit: (sound: LentSound) => void): void {
    const samples = Math.floor(this.held / this.width);
    if (samples === 0) return;
    const sound = this.lend(samples);
    this.bytes.copyWithin(0, samples * this.width, this.held);
    this.held -= samples * this.width;
    emit(sound);
  }

  faultAtEnd(command: string): string | null {
    if (this.total === 0) return `${command} ended without a single sample`;
    if (this.held === 0) return null;
    return `the stream ended ${this.held} bytes into a sample; it is not ${this.format} as agreed, or was cut off`;
  }

  private lend(length: number): LentSound {
    const samples = this.free.pop() ?? new Float32Array(PIECE_SAMPLES);
    const invalid = this.convert(samples, length);
    const { gap } = this;
    this.gap = false;
    this.total += length;
    this.lent++;
    let out = true;
    return {
      samples,
      length,
      gap,
      endSample: this.total,
      invalid,
      trouble: this.mixer?.trouble ?? null,
      at: this.now(),
      release: (attentive = false) => {
        if (!out) return;
        out = false;
        this.attentive = attentive;
        this.free.push(samples);
        if (this.lent-- === MOST_LENT) this.whenRoom?.();
      },
    };
  }

  /** @returns how many samples were no numbers */
  private convert(samples: Float32Array, length: number): number {
    const { stereo, mixer } = this;
    if (stereo === null || mixer === null) return this.read(samples, length);
    const invalid = this.read(stereo, 2 * length);
    mixer.mix(stereo, samples, length);
    return invalid;
  }

  private read(values: Float32Array, count: number): number {
    return this.format === 's16le' ? this.fromShorts(values, count) : this.fromFloats(values, count);
  }

  private fromShorts(samples: Float32Array, length: number): number {
    for (let i = 0; i < length; i++) samples[i] = (this.shorts[i] as number) / 32_768;
    return 0;
  }

  /** A float may be anything: what is beyond full scale is held to it, as a 16-bit recording would be. */
  private fromFloats(samples: Float32Array, length: number): number {
    let invalid = 0;
    for (let i = 0; i < length; i++) {
      const value = this.floats[i] as number;
      if (value >= -1 && value <= 1) samples[i] = value;
      else {
        if (Number.isNaN(value)) invalid++;
        samples[i] = Number.isNaN(value) ? 0 : Math.sign(value);
      }
    }
    return invalid;
  }
}
