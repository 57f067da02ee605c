import { messageOf } from '../../errors';

/** Holds a door open for a moment. */
export interface Relay {
  /** Opens for `ms`, then secures. Resolves when the door is secured again; rejects if it could not be opened. */
  pulse(ms: number): Promise<void>;
  /** Drives it to the secured state. Rejects if that is not possible. */
  secure(): Promise<void>;
}

/** One kind of hardware. Both methods may be called again in the state that they lead to. */
export interface Switch {
  /** Opens. `maxMs`: if the hardware can, it switches off by itself after this time, in case this process dies. */
  on(maxMs: number): Promise<void>;
  off(): Promise<void>;
}

export interface PulseOptions {
  /** Longest time that the door is open at once, however many unlocks come. */
  readonly maxOpenMs: number;
  readonly monotonic: () => number;
  /** Called when the relay cannot be secured, and with null when it works again. */
  readonly trouble: (message: string | null) => void;
  /** Wait between attempts to secure. */
  readonly retryMs?: number;
}

/** A person who has waited longer than this has swiped again or left. */
const MAX_WAIT_MS = 1000;

/**
 * Bounded pulses over a switch. Invariants: after every `on`, even one that failed or hung, `off` follows and is
 * repeated until it succeeds. The time between is at most `maxOpenMs` plus the time of `off`. An unlock while open only
 * prolongs, up to that limit. An unlock while the relay is being secured waits, but not longer than a person at the
 * door does.
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
    // `stop` waits for the cycle, whether or not the caller of `pulse` still waits.
    this.cycle = cycle.catch(() => undefined);
    return cycle;
  }

  async secure(): Promise<void> {
    if (this.phase !== 'idle') return this.cycle;
    await this.hardware.off();
  }

  /** Ends an opening now and secures. May be called twice. */
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
