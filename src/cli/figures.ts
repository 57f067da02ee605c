import type { Figure } from '../evaluation/figure';
import { figureRows } from '../evaluation/figure-text';

/** What `eval` and `bench` print: with `--json` one object, otherwise a table. `more` goes into the JSON beside the figures. */
export function printFigures(
  figures: readonly Figure[],
  { json = false, more = {}, shown = figures }: { json?: boolean; more?: object; shown?: readonly Figure[] } = {},
  write: (text: string) => void = (text) => process.stdout.write(text),
): void {
  write(json ? `${JSON.stringify({ figures, ...more }, null, 2)}\n` : figureTable(shown));
}

/** Aligned columns; those that are empty throughout are left out. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = [['figure', 'value', '95 %', 'to reach', ''], ...figureRows(figures)];
  const columns = (rows[0] ?? []).map((_, column) => rows.slice(1).some((row) => (row[column] ?? '') !== ''));
  const kept = rows.map((row) => row.filter((_, column) => columns[column]));
  const widths = (kept[0] ?? []).map((_, column) => Math.max(...kept.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${kept.map(line).join('\n')}\n`;
}
