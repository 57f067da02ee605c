import { messageOf } from '../../errors';
import { SAMPLE_RATE_HZ } from '../features/features';
import { SampleRing } from './sample-ring';
import { encodeWav } from './wav-file';
import type { FolderLimits } from '../../system/bounded-folder';
import { addCapture } from './capture-folder';

export type CaptureKind = 'activated' | 'near-miss';

export interface CapturedEvent {
  readonly kind: CaptureKind;
  /** Name of the bundle. */
  readonly model: string;
  /** Mean score, 0 to 1. */
  readonly score: number;
}

/** Long enough for any trigger word with what was before it. */
const SECONDS = 3;
/** Heard on after the event, for the word's last sound and the room's. */
const TAIL_SECONDS = 0.5;

const RING = SECONDS * SAMPLE_RATE_HZ;
const TAIL = TAIL_SECONDS * SAMPLE_RATE_HZ;

/**
 * Stores activations and near misses of a microphone as sound files of 3 s, for a person to sort and to train with.
 * Opt-in, only on this machine, and limited. One capture at a time: an event during the tail of a capture becomes part
 * of it. A failed write is reported once and does not affect the microphone.
 */
export class SoundCaptures {
  private readonly ring = new SampleRing(RING);
  private waiting: CapturedEvent | null = null;
  private due = 0;
  private lastFailure = '';
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly folder: string,
    private readonly limits: FolderLimits,
    private readonly now: () => number,
    private readonly warn: (message: string) => void,
  ) {}

  /** The next `length` samples, −1 to 1. */
  push(samples: Float32Array, length: number): void {
    this.ring.add(samples, length);
    if (this.waiting === null || this.ring.heard < this.due) return;
    const event = this.waiting;
    this.waiting = null;
    this.keep(event);
  }

  event(event: CapturedEvent): void {
    // What activated is worth more to know than what was near.
    if (this.waiting !== null && this.waiting.kind === 'activated') return;
    if (this.waiting === null) this.due = this.ring.heard + TAIL;
    this.waiting = event;
  }

  /** Sound is missing: the samples before belong to another recording. */
  reset(): void {
    this.ring.reset();
    this.waiting = null;
  }

  /** Resolves when started captures are on disk. */
  async settled(): Promise<void> {
    await this.writing;
  }

  private keep({ kind, model, score }: CapturedEvent): void {
    const samples = Int16Array.from(this.ring.last(RING), (value) =>
      Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))),
    );
    const stamp = new Date(this.now()).toISOString().toLowerCase().replaceAll(/[:.]/g, '-');
    const percent = String(Math.round(100 * score)).padStart(3, '0');
    const name = `${stamp}-${kind}-${model.replaceAll('.', '-')}-${percent}.wav`;
    // One after the other: the limits are looked up before each.
    this.writing = this.writing
      .then(() => addCapture(this.folder, name, encodeWav(samples), this.limits))
      .then(() => {
        this.lastFailure = '';
      })
      .catch((error: unknown) => {
        const message = messageOf(error);
        if (message !== this.lastFailure) this.warn(`recordings cannot be stored in ${this.folder}: ${message}`);
        this.lastFailure = message;
      });
  }
}
