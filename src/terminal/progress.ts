/** Shows the progress of long work: a bar on a terminal, elsewhere a line from time to time. */
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
/** Redrawing more often costs time and shows nothing new. */
const EVERY_MS = 100;
const FIRST_LINE_MS = 10_000;
const LAST_LINE_MS = 600_000;

/**
 * A bar if the screen is a terminal, else lines.
 * @param now monotonic milliseconds
 */
export function createProgress(screen: Screen = process.stderr, now: () => number = () => performance.now()): Progress {
  if (screen.isTTY !== true) return linesNowAndThen(screen, now);
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

/**
 * For a log or a pipe: the first line after ten seconds, then at growing intervals, so that hours of work make few
 * lines.
 */
function linesNowAndThen(screen: Screen, now: () => number): Progress {
  const startedAt = now();
  let nextAt = startedAt + FIRST_LINE_MS;
  return {
    update: (label, share) => {
      const at = now();
      if (at < nextAt) return;
      nextAt = at + Math.min(LAST_LINE_MS, 2 * (at - startedAt));
      screen.write(`${durationText(at - startedAt)}: ${label}, ${Math.round(share * 100)} %\n`);
    },
    done: () => undefined,
  };
}

function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
