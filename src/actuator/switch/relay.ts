import { messageOf } from '../../errors';

/** What holds a door open for a moment. */
export interface Relay {
  /** Opens for `ms`, then secures. Resolves when secured again; rejects when it could not be opened. */
  pulse(ms: number): Promise<void>;
  /** Drives it to the secured state. Rejects when that cannot be done. */
  secure(): Promise<void>;
}

/** One kind of hardware. Both may be asked for again in the state they lead to. */
export interface Switch {
  /** Opens. `maxMs`: the hardware itself should fall back after so long, where it can, should this process die meanwhile. */
  on(maxMs: number): Promise<void>;
  off(): Promise<void>;
}

export interface PulseOptions {
  /** The door is never open for longer in one go, however many unlocks come. */
  readonly maxOpenMs: number;
  readonly monotonic: () => number;
  /** Told when the relay cannot be secured, and (null) when it could again. */
  readonly trouble: (message: string | null) => void;
  /** Wait between attempts to secure. */
  readonly retryMs?: number;
}

/** Who has waited longer than this has swiped again, or gone. */
const MAX_WAIT_MS = 1000;

/**
 * Bounded pulses over a switch.
 *
 * Invariants: whatever `on` did, also when it failed or hung half-way, `off` follows, again and again until it succeeds; the time
 * between is at most `maxOpenMs` plus what `off` takes; an unlock while open only prolongs, up to that cap; one while the relay
 * is being secured waits for that, but not for longer than a person at the door does.
 */
export class PulsedRelay implements Relay {
  private phase: 'idle' | 'open' | 'securing' = 'idle';
  private openedAt = 0;
  private until = 0;
  private stopped = false;
  private cycle: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;

  constructor(
    private readonly hardware: Switch,
    private readonly options: PulseOptions,
  ) {}

  get open(): boolean {
    return this.phase === 'open';
  }

  pulse(ms: number): Promise<void> {
    const now = this.options.monotonic();
    if (this.stopped) return Promise.reject(new Error('the relay is stopped'));
    if (this.phase === 'securing') return this.afterSecuring(ms, now);
    const cap = (this.phase === 'open' ? this.openedAt : now) + this.options.maxOpenMs;
    const until = Math.min(now + ms, cap);
    if (this.phase === 'open') {
      this.until = Math.max(this.until, until);
      return this.cycle;
    }
    this.phase = 'open';
    this.openedAt = now;
    this.until = until;
    const cycle = this.run();
    // `stop` waits for the cycle, whether or not whoever asked for it still listens.
    this.cycle = cycle.catch(() => undefined);
    return cycle;
  }

  async secure(): Promise<void> {
    if (this.phase !== 'idle') return this.cycle;
    await this.hardware.off();
  }

  /** Ends an opening now and secures. Safe to call twice. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    if (this.phase === 'idle') await this.hardware.off();
    else await this.cycle;
  }

  private async run(): Promise<void> {
    try {
      await this.hardware.on(this.options.maxOpenMs);
      for (let left = this.left(); left > 0 && !this.stopped; left = this.left()) await this.sleep(left);
    } finally {
      this.phase = 'securing';
      await this.secureUntilDone();
      this.phase = 'idle';
    }
  }

  private async afterSecuring(ms: number, askedAt: number): Promise<void> {
    await this.cycle;
    const waited = this.options.monotonic() - askedAt;
    if (waited > MAX_WAIT_MS) throw new Error(`the relay could not be secured for ${Math.round(waited)} ms`);
    await this.pulse(ms);
  }

  private left(): number {
    return this.until - this.options.monotonic();
  }

  private async secureUntilDone(): Promise<void> {
    const { retryMs = 500, trouble } = this.options;
    for (let failed = false; ; failed = true) {
      try {
        await this.hardware.off();
        if (failed) trouble(null);
        return;
      } catch (error) {
        trouble(messageOf(error));
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
