/** A line that tells how far a long work is; drawn only where a person watches (a terminal on standard error). */
export interface Progress {
  update(label: string, share: number): void;
  /** Removes the line. */
  done(): void;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR = 24;
/** Redrawing more often than this only costs. */
const EVERY_MS = 100;

export function createProgress(screen: Screen = process.stderr, now: () => number = () => performance.now()): Progress {
  if (screen.isTTY !== true) return { update: () => undefined, done: () => undefined };
  let startedAt = now();
  let drawnAt = -Infinity;
  let current = '';
  return {
    update: (label, share) => {
      const at = now();
      if (label !== current) {
        current = label;
        startedAt = at;
      } else if (at - drawnAt < EVERY_MS && share < 1) return;
      drawnAt = at;
      const filled = Math.round(BAR * Math.min(1, Math.max(0, share)));
      const left = share > 0.02 ? `, ${durationText(((at - startedAt) / share) * (1 - share))} left` : '';
      const text = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.round(share * 100)} % ${label}${left}`;
      screen.write(`\r${text.slice(0, (screen.columns ?? 80) - 1)}\x1b[K`);
    },
    done: () => screen.write('\r\x1b[K'),
  };
}

function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
