import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../../errors';
import type { OperatingPoint } from '../../../inference/card';
import type { Figure } from '../../report/figure';
import { htmlFigures, htmlPage, htmlRow } from '../../report/html-page';
import { escapeXml } from '../../report/svg-plot';
import { pointAt, type CurvePoint } from './wake-curve';
import { everyday, type WakeEvaluation } from './wake-evaluation';
import { latencySvg, wakeDetSvg } from './wake-plots';

export interface WakeReport {
  readonly model: string;
  readonly word: string;
  readonly threshold: number;
  readonly evaluation: WakeEvaluation;
  readonly curve: readonly CurvePoint[];
  readonly figures: readonly Figure[];
  readonly remarks: readonly string[];
}

const WORST = 20;

/** The facts of a run that are no figures, for `--json` and `report.json`. */
export function wakeReportJson({ model, word, threshold, evaluation, curve, remarks }: WakeReport): object {
  return {
    model,
    word,
    threshold,
    hours: everyday(evaluation).reduce((sum, { hours }) => sum + hours, 0),
    worst: worst(evaluation).map(({ trial, strength }) => ({
      clip: trial.clip,
      condition: trial.condition.name,
      score: Number(strength.toFixed(4)),
    })),
    curve,
    remarks,
  };
}

/** Of the words heard clean or at 10 dB, those that came nearest to being missed, or were. */
const worst = (evaluation: WakeEvaluation): WakeEvaluation['heard'] =>
  evaluation.heard
    .filter(({ trial }) => ['clean', 'snr-10db'].includes(trial.condition.name))
    .sort((a, b) => a.strength - b.strength)
    .slice(0, WORST);

const TARGETS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/** Rows for a card's table of operating points, the strictest first. */
export function operatingRows(curve: readonly CurvePoint[], measuredOn: string): OperatingPoint[] {
  const rows = new Map<number, OperatingPoint>();
  for (const target of TARGETS) {
    const point = pointAt(curve, target);
    if (point === null) continue;
    const misses = Object.entries(point.misses).flatMap(([condition, miss]) =>
      miss === null ? [] : [{ condition, miss: Number(miss.toFixed(4)) }],
    );
    const { threshold, perHour } = point;
    rows.set(threshold, { falseAcceptsPerHour: Number(perHour.toFixed(3)), score: threshold, misses, measuredOn });
  }
  return [...rows.values()].sort((a, b) => b.score - a.score);
}

/**
 * Writes `index.html`, the plots as SVG files and `report.json`.
 * @throws UsherError `file-unreadable` when the folder cannot be written
 */
export async function writeWakeReport(folder: string, report: WakeReport): Promise<void> {
  const plots: readonly (readonly [string, string])[] = [
    ['det.svg', wakeDetSvg(report.word, report.curve, report.threshold)],
    ['latency.svg', latencySvg(report.evaluation, report.threshold)],
  ];
  const json = { figures: report.figures, ...wakeReportJson(report) };
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, svg] of plots) await writeFile(join(folder, name), svg);
    await writeFile(join(folder, 'report.json'), `${JSON.stringify(json, null, 2)}\n`);
    await writeFile(join(folder, 'index.html'), page(report, plots));
  } catch (error) {
    throw new UsherError('file-unreadable', `the report cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}

function page(
  { model, word, threshold, evaluation, figures, remarks }: WakeReport,
  plots: readonly (readonly [string, string])[],
): string {
  return htmlPage(
    word,
    `<h1>“${escapeXml(word)}”</h1>
<p>Model ${escapeXml(model)} at the score ${threshold}. A word counts as heard when the trigger fires between 0.3 s before and 1 s after its end. Intervals (95 %): Wilson’s over clips for misses, Garwood’s for false accepts.</p>
${remarks.map((remark) => `<p>${escapeXml(remark)}</p>`).join('\n')}
${plots.map(([, svg]) => svg).join('\n')}
${htmlFigures(figures)}
<h2>Hardest words</h2>
<table><tr><th>clip</th><th>condition</th><th>background</th><th>score</th></tr>
${worst(evaluation)
  .map(({ trial, strength }) =>
    htmlRow([trial.clip, trial.condition.name, trial.background ?? '', strength.toFixed(3)]),
  )
  .join('\n')}
</table>`,
  );
}
