import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../../errors';
import type { FaceDataset } from '../data/dataset';
import type { DoorTrial } from './door-trial';
import type { FaceEvaluation } from './face-evaluation';
import { detSvg, doorSvg, histogramSvg, identificationSvg } from './face-plots';
import type { Figure } from '../../report/figure';
import { htmlFigures, htmlPage } from '../../report/html-page';
import { escapeXml } from '../../report/svg-plot';

export interface JudgedEncoder {
  readonly evaluation: FaceEvaluation;
  readonly door: DoorTrial | null;
}

/** The facts of a run other than figures, for `--json` and `report.json`. Never contains vectors. */
export function faceReportJson(dataset: FaceDataset, judged: readonly JudgedEncoder[]): object {
  return {
    dataset: {
      name: dataset.name,
      style: dataset.style,
      persons: dataset.persons.length,
      pictures: dataset.pictures.length,
      pairs: dataset.pairs && {
        folds: dataset.pairs.folds,
        pairs: dataset.pairs.pairs.length,
        leftOut: dataset.pairs.leftOut,
      },
    },
    encoders: judged.map(({ evaluation, door }) => ({
      name: evaluation.encoder,
      detector: evaluation.detector,
      space: evaluation.space,
      mirrored: evaluation.mirrored,
      refusals: refusals(evaluation),
      notAcquired: evaluation.encoded.flatMap(({ embedding, refusal, detail }, i) =>
        embedding === null
          ? [{ file: dataset.pictures[i]?.file, refusal, ...(detail === null ? {} : { detail }) }]
          : [],
      ),
      curve: evaluation.curve,
      folds: evaluation.accuracy?.folds ?? null,
      door: door && { sequences: door.sequences, frames: door.frames, threshold: door.threshold },
    })),
  };
}

/** How many pictures each gate, or a missing face, would refuse. */
function refusals({ encoded }: FaceEvaluation): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { refusal } of encoded) if (refusal !== null) counts[refusal] = (counts[refusal] ?? 0) + 1;
  return counts;
}

/**
 * Writes `index.html` with plots and figures, the plots as SVG files, and `report.json`. The same run writes the same bytes.
 * @throws UsherError `file-unreadable` when the folder cannot be written
 */
export async function writeFaceReport(
  folder: string,
  dataset: FaceDataset,
  judged: readonly JudgedEncoder[],
  figures: readonly Figure[],
): Promise<void> {
  const evaluations = judged.map(({ evaluation }) => evaluation);
  const curves = evaluations.map(({ encoder, curve }) => ({ name: encoder, curve }));
  const identification = identificationSvg(evaluations);
  const plots: [string, string][] = [
    ['det.svg', detSvg(`Detection error trade-off, ${dataset.name}`, curves)],
    ...evaluations.map((evaluation): [string, string] => [
      `distances-${evaluation.encoder}.svg`,
      histogramSvg(evaluation),
    ]),
    ...(identification === null ? [] : [['identification.svg', identification] satisfies [string, string]]),
    ...judged.flatMap(({ evaluation, door }): [string, string][] =>
      door === null ? [] : [[`door-${evaluation.encoder}.svg`, doorSvg(evaluation.encoder, door)]],
    ),
  ];
  const json = { figures, ...faceReportJson(dataset, judged) };
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, svg] of plots) await writeFile(join(folder, name), svg);
    await writeFile(join(folder, 'report.json'), `${JSON.stringify(json, null, 2)}\n`);
    await writeFile(join(folder, 'index.html'), page(dataset, judged, figures, plots));
  } catch (error) {
    throw new UsherError('file-unreadable', `the report cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}

function page(
  dataset: FaceDataset,
  judged: readonly JudgedEncoder[],
  figures: readonly Figure[],
  plots: readonly (readonly [string, string])[],
): string {
  const cell = (text: string): string => `<td>${escapeXml(text)}</td>`;
  const models = judged.map(({ evaluation: { encoder, detector, mirrored, space } }) =>
    [encoder, detector, mirrored ? 'picture and mirrored picture' : 'picture alone', space].map(cell).join(''),
  );
  return htmlPage(
    `Faces: ${dataset.name}`,
    `<h1>Face recognition on ${escapeXml(dataset.name)}</h1>
<p>${dataset.persons.length} persons, ${dataset.pictures.length} pictures; ${
      dataset.style === 'lfw'
        ? 'every picture compared with every other'
        : 'first picture enrolled, the others compared with all enrolled'
    }. Of several faces the one nearest the centre is taken. A picture without a face counts as a false non-match. Intervals (95 %) are the wider of Wilson’s and a bootstrap over persons.</p>
<table><tr><th>encoder</th><th>detector</th><th>encoded</th><th>space</th></tr>
${models.map((row) => `<tr>${row}</tr>`).join('\n')}
</table>
${plots.map(([, svg]) => svg).join('\n')}
${htmlFigures(figures)}`,
  );
}
