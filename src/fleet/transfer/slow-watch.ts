import { refuse } from '../refusal';
import type { TransferLimits } from './limits';

/** Stops a peer that keeps a box waiting by sending a byte now and then, which an idle timeout does not detect. */
export class SlowWatch {
  private windowFrom: number;
  private bytes = 0;

  constructor(
    private readonly limits: TransferLimits,
    private readonly monotonicMs: () => number,
  ) {
    this.windowFrom = monotonicMs();
  }

  /** @throws ReleaseRefused `too-slow` */
  took(bytes: number): void {
    this.bytes += bytes;
    const elapsed = this.monotonicMs() - this.windowFrom;
    if (elapsed < this.limits.slowWindowMs) return;
    const rate = this.bytes / (elapsed / 1000);
    if (rate < this.limits.minBytesPerSecond)
      refuse('too-slow', `${rate.toFixed(0)} bytes a second for ${Math.round(elapsed / 1000)} s`);
    this.windowFrom += elapsed;
    this.bytes = 0;
  }

  /** The time until now does not count: the box itself needed it. */
  restart(): void {
    this.windowFrom = this.monotonicMs();
    this.bytes = 0;
  }
}
