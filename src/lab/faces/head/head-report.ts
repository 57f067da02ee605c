import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../../errors';
import { detCurve, type Scores } from '../../report/det';
import { detSvg } from '../evaluation/face-plots';
import type { Figure } from '../../report/figure';
import { figureRows } from '../../report/figure-text';
import { linearAxis } from '../../report/svg-axes';
import { colourOf, escapeXml, plotSvg } from '../../report/svg-plot';

export interface HeadReport {
  readonly encoder: string;
  readonly data: string;
  readonly before: Scores;
  readonly after: Scores;
  readonly losses: readonly number[];
  readonly figures: readonly Figure[];
}

/** Writes `index.html`, `det.svg`, `loss.svg` and `figures.json`. @throws UsherError `file-unreadable` */
export async function writeHeadReport(folder: string, report: HeadReport): Promise<void> {
  const { encoder, data, before, after, losses, figures } = report;
  const det = detSvg(`${encoder} on persons left out: ${data}`, [
    { name: 'before', curve: detCurve(before) },
    { name: 'with the head', curve: detCurve(after) },
  ]);
  const highest = Math.max(0.1, ...losses);
  const loss = plotSvg({
    title: 'Triplet loss while training on all persons',
    x: linearAxis('step', 0, Math.max(1, losses.length), Math.max(1, Math.ceil(losses.length / 6))),
    y: linearAxis('mean loss of the batch', 0, highest, highest / 5),
    series: [{ name: 'loss', colour: colourOf(0), points: losses.map((value, i) => [i + 1, value] as const) }],
  });
  const rows = figureRows(figures).map(
    (row) => `<tr>${row.map((cell) => `<td>${escapeXml(cell)}</td>`).join('')}</tr>`,
  );
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Face head: ${escapeXml(encoder)}</title>
<style>body { font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem } td { padding: .25rem .75rem .25rem 0 }</style>
<h1>A head over ${escapeXml(encoder)}</h1>
<p>${escapeXml(data)}. Each person was judged by heads that had not seen that person; a probe without a face is a miss on both sides.</p>
${det}
<table>
${rows.join('\n')}
</table>
${loss}
</html>
`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'det.svg'), det);
    await writeFile(join(folder, 'loss.svg'), loss);
    await writeFile(join(folder, 'figures.json'), `${JSON.stringify({ figures, losses }, null, 2)}\n`);
    await writeFile(join(folder, 'index.html'), page);
  } catch (error) {
    throw new UsherError('file-unreadable', `the report cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}
