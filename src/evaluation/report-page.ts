import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../errors';
import type { Figure } from './figure';
import { figureRows } from './figure-text';
import { escapeXml } from './svg-plot';

export interface ReportPage {
  readonly title: string;
  /** Paragraphs of plain text. */
  readonly about: readonly string[];
  /** File name and SVG document of each plot. */
  readonly plots: readonly (readonly [name: string, svg: string])[];
  readonly figures: readonly Figure[];
  /** Beside the figures in `report.json`. */
  readonly more?: object;
}

/**
 * Writes `index.html` with plots and figures, the plots as SVG files, and `report.json`. The same run writes the same bytes.
 * @throws UsherError `file-unreadable` when the folder cannot be written
 */
export async function writeReportPage(folder: string, page: ReportPage): Promise<void> {
  const { plots, figures, more = {} } = page;
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, svg] of plots) await writeFile(join(folder, name), svg);
    await writeFile(join(folder, 'report.json'), `${JSON.stringify({ figures, ...more }, null, 2)}\n`);
    await writeFile(join(folder, 'index.html'), html(page));
  } catch (error) {
    throw new UsherError('file-unreadable', `the report cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}

function html({ title, about, plots, figures }: ReportPage): string {
  const cell = (text: string): string => `<td>${escapeXml(text)}</td>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .25rem .75rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top }
svg { max-width: 100%; height: auto; margin: 1rem 0; display: block }
</style>
<h1>${escapeXml(title)}</h1>
${about.map((text) => `<p>${escapeXml(text)}</p>`).join('\n')}
${plots.map(([, svg]) => svg).join('\n')}
<table><tr><th>figure</th><th>value</th><th>95 %</th><th>to reach</th><th></th></tr>
${figureRows(figures)
  .map((row) => `<tr>${row.map(cell).join('')}</tr>`)
  .join('\n')}
</table>
</html>
`;
}
