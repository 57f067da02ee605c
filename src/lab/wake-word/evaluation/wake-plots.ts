import { decadeBelow, linearAxis, logAxis } from '../../report/svg-axes';
import { colourOf, plotSvg } from '../../report/svg-plot';
import { CONDITIONS } from './trials';
import type { CurvePoint } from './wake-curve';
import { latencyMs, type WakeEvaluation } from './wake-evaluation';

/** Miss over false accepts per hour, both logarithmic, a line for each condition. */
export function wakeDetSvg(word: string, curve: readonly CurvePoint[], threshold: number): string {
  const least = Math.min(...curve.filter(({ perHour }) => perHour > 0).map(({ perHour }) => perHour), 1);
  const at = curve.find((point) => point.threshold >= threshold);
  return plotSvg({
    title: `“${word}”: missed words against false accepts`,
    x: logAxis('false accepts per hour, none at the left edge', decadeBelow(least) - 1, 3),
    y: logAxis('missed words, none at the lower edge', -3, 0),
    series: CONDITIONS.map(({ name }, i) => ({
      name,
      colour: colourOf(i),
      points: curve.flatMap(({ perHour, misses }) => {
        const miss = misses[name];
        return miss === null || miss === undefined ? [] : [[perHour, miss] as const];
      }),
    })).filter(({ points }) => points.length > 0),
    marks: at === undefined ? [] : [{ x: at.perHour, text: `score ${threshold}` }],
  });
}

const BIN_MS = 25;
const [FROM_MS, TO_MS] = [-300, 1000];

/** From the word's end to the event: share of the words heard clean in each 25 ms. */
export function latencySvg(evaluation: WakeEvaluation, threshold: number): string {
  const clean = evaluation.heard.filter(({ trial }) => trial.condition.name === 'clean');
  const bins = new Float64Array((TO_MS - FROM_MS) / BIN_MS);
  for (const one of clean) {
    const ms = latencyMs(evaluation, one, threshold);
    if (ms === null) continue;
    const bin = Math.min(bins.length - 1, Math.max(0, Math.floor((ms - FROM_MS) / BIN_MS)));
    bins[bin] = (bins[bin] as number) + 1 / clean.length;
  }
  const highest = Math.max(0.1, ...bins);
  return plotSvg({
    title: 'From the end of the word to the event',
    x: linearAxis('ms', FROM_MS, TO_MS, 100),
    y: linearAxis('share of the words', 0, Math.ceil(highest * 10) / 10, 0.1),
    series: [
      {
        name: 'heard clean',
        colour: colourOf(0),
        filled: true,
        points: [...bins].map((share, i) => [FROM_MS + (i + 0.5) * BIN_MS, share] as const),
      },
    ],
  });
}
