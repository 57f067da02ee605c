import type { Activation } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { ActivationWatcher } from '../microphones/voice-service';

/** Two models react to a word at different moments; farther apart than this they reacted to different words. */
const PAIR_MS = 1500;
/** Number of compared activations behind the agreement. */
const WINDOW = 100;

interface Heard {
  readonly word: string;
  readonly by: 'own' | 'candidate';
  readonly at: number;
}

/**
 * How often the running model and a candidate detect the same, activation by activation. Silence on which both agree
 * does not count.
 */
export class ActivationPairs implements ActivationWatcher {
  private waiting: Heard[] = [];
  private readonly agreed: boolean[] = [];

  own({ word }: Pick<Activation, 'word'>, now = monotonicMs()): void {
    this.heard({ word, by: 'own', at: now });
  }

  candidate({ word }: Pick<Activation, 'word'>, now: number): void {
    this.heard({ word, by: 'candidate', at: now });
  }

  /** An activation without a counterpart in time counts as detected by one model only. */
  settle(now: number): void {
    const late = this.waiting.filter(({ at }) => now - at > PAIR_MS);
    if (late.length === 0) return;
    this.waiting = this.waiting.filter(({ at }) => now - at <= PAIR_MS);
    late.forEach(() => this.note(false));
  }

  get compared(): number {
    return this.agreed.length;
  }

  /** 0..1; null without activations. */
  get agreement(): number | null {
    return this.agreed.length === 0 ? null : this.agreed.filter(Boolean).length / this.agreed.length;
  }

  private heard(one: Heard): void {
    this.settle(one.at);
    const other = this.waiting.findIndex(({ word, by }) => word === one.word && by !== one.by);
    if (other === -1) {
      this.waiting.push(one);
      return;
    }
    this.waiting.splice(other, 1);
    this.note(true);
  }

  private note(agreed: boolean): void {
    this.agreed.push(agreed);
    if (this.agreed.length > WINDOW) this.agreed.shift();
  }
}
