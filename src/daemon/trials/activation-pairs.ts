import type { Activation } from '../../events';
import { monotonicMs } from '../../system/clock';
import type { ActivationWatcher } from '../microphones/voice-service';

/** Two models come up at a word at different moments of it; farther apart than this it was not the same word. */
const PAIR_MS = 1500;
/** Compared activations that the agreement rests on. */
const WINDOW = 100;

interface Heard {
  readonly word: string;
  readonly by: 'own' | 'candidate';
  readonly at: number;
}

/** How often the running model and a candidate hear the same, activation by activation. Silence on which both agree does not count. */
export class ActivationPairs implements ActivationWatcher {
  private waiting: Heard[] = [];
  private readonly agreed: boolean[] = [];

  own({ word }: Pick<Activation, 'word'>, now = monotonicMs()): void {
    this.heard({ word, by: 'own', at: now });
  }

  candidate({ word }: Pick<Activation, 'word'>, now: number): void {
    this.heard({ word, by: 'candidate', at: now });
  }

  /** Those whose time for an answer is over count as heard by one alone. */
  settle(now: number): void {
    const late = this.waiting.filter(({ at }) => now - at > PAIR_MS);
    if (late.length === 0) return;
    this.waiting = this.waiting.filter(({ at }) => now - at <= PAIR_MS);
    late.forEach(() => this.note(false));
  }

  get compared(): number {
    return this.agreed.length;
  }

  /** 0..1; null where nothing was heard. */
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
