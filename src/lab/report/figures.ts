import type { Figure } from './figure';
import { figureRows } from './figure-text';
import { tableLines } from '../../terminal/table';

/** Help of the option of every command that prints figures. */
export const REQUIRE = 'end with exit code 1 when a figure misses its goal';

interface PrintOptions {
  readonly json?: boolean;
  /** A figure that misses its goal ends the command with exit code 1. */
  readonly require?: boolean;
  readonly more?: object;
  readonly shown?: readonly Figure[];
}

/**
 * Output of `eval` and `bench`: one object with `--json`, else a table. `more` goes into the JSON next to the figures.
 * The last line, on standard error, names the missed figures.
 */
export function printFigures(
  figures: readonly Figure[],
  { json = false, require = false, more = {}, shown = figures }: PrintOptions = {},
  write: (text: string) => void = (text) => process.stdout.write(text),
): void {
  write(json ? `${JSON.stringify({ figures, ...more }, null, 2)}\n` : figureTable(shown));
  const last = missedLine(figures);
  if (last === null) return;
  process.stderr.write(`${last}\n`);
  if (require) process.exitCode = 1;
}

/** Null: every figure that has a goal reaches it. */
export function missedLine(figures: readonly Figure[]): string | null {
  const goals = figures.filter(({ reach }) => reach !== undefined);
  const missed = goals.filter(({ meets }) => meets !== true);
  if (missed.length === 0) return null;
  return `${missed.length} of ${goals.length} figures missed: ${missed.map(({ name }) => name).join(', ')}`;
}

/** Aligned columns; those that are empty throughout are left out. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = [['figure', 'value', '95 %', 'to reach', ''], ...figureRows(figures)];
  const columns = (rows[0] ?? []).map((_, column) => rows.slice(1).some((row) => (row[column] ?? '') !== ''));
  const kept = rows.map((row) => row.filter((_, column) => columns[column]));
  return `${tableLines(kept).join('\n')}\n`;
}
