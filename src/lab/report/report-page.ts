import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../errors';
import type { Figure } from './figure';
import { htmlFigures, htmlPage } from './html-page';
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
  return htmlPage(
    title,
    `<h1>${escapeXml(title)}</h1>
${about.map((text) => `<p>${escapeXml(text)}</p>`).join('\n')}
${plots.map(([, svg]) => svg).join('\n')}
${htmlFigures(figures)}`,
  );
}
