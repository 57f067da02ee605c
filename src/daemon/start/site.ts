import type { LoadedConfig } from '../../config/load/load';
import type { Log } from '../../system/log';
import type { TakeDown } from '../../system/take-down';

/** Passed to every phase of the start. */
export interface Site {
  readonly loaded: LoadedConfig;
  readonly bootId: string;
  readonly log: Log;
  /**
   * The stops of the started parts, last first. Each phase adds its parts as they start, so that a failed start is
   * undone too.
   */
  readonly undo: TakeDown;
}

/** Repeats work until the stop. */
export function every({ undo }: Pick<Site, 'undo'>, ms: number, work: () => void): void {
  const timer = setInterval(work, ms);
  undo.push('timers', () => clearInterval(timer));
}
