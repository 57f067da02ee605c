import type { Figure } from './figure';
import { figureRows } from './figure-text';
import { escapeXml } from './svg-plot';

/** A page of a report: no script, no font, no network. @param body HTML; the caller has escaped it */
export function htmlPage(title: string, body: string, { width = '60rem' }: { readonly width?: string } = {}): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: ${width}; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .25rem .75rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top }
svg { max-width: 100%; height: auto; margin: 1rem 0; display: block }
img { max-width: 100%; height: auto; margin: 1rem 0 }
</style>
${body}
</html>
`;
}

/** One row of a table, its cells plain text. */
export function htmlRow(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join('')}</tr>`;
}

/** The figures as `bench` and `eval` print them. */
export function htmlFigures(figures: readonly Figure[]): string {
  return `<table><tr><th>figure</th><th>value</th><th>95 %</th><th>to reach</th><th></th></tr>
${figureRows(figures).map(htmlRow).join('\n')}
</table>`;
}
