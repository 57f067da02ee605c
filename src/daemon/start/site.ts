import type { LoadedConfig } from '../../config/load/load';
import type { Log } from '../../system/log';
import type { TakeDown } from '../../system/take-down';

/** What every phase of the start is given. */
export interface Site {
  readonly loaded: LoadedConfig;
  readonly bootId: string;
  readonly log: Log;
  /** What a stop undoes, last first. Each phase adds its parts as they come up, so that a start that fails half-way is undone too. */
  readonly undo: TakeDown;
}

/** Repeats work until the stop. */
export function every({ undo }: Pick<Site, 'undo'>, ms: number, work: () => void): void {
  const timer = setInterval(work, ms);
  undo.push('timers', () => clearInterval(timer));
}
