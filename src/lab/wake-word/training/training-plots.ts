import { linearAxis, logAxis } from '../../report/svg-axes';
import { colourOf, plotSvg } from '../../report/svg-plot';
import type { LossPoint, RoundResult } from './checkpoint';
import type { Setting } from './operating-points';

/** Loss against steps, each round's begin marked. */
export function lossPlot(word: string, losses: readonly LossPoint[], rounds: readonly RoundResult[]): string {
  const last = losses.at(-1)?.step ?? 1;
  return plotSvg({
    title: `“${word}”: loss in training`,
    x: linearAxis('step', 0, last, niceStep(last)),
    y: logAxis('weighted cross-entropy', -3, 0),
    series: [
      { name: 'mean of ten steps', colour: colourOf(0), points: losses.map(({ step, loss }) => [step, loss] as const) },
    ],
    marks: rounds.slice(0, -1).map(({ step, round }) => ({ x: step, text: `mining ${round + 1}` })),
  });
}

/** Misses of each condition at the false accepts per hour of the validation part. */
export function trainingDetPlot(word: string, settings: readonly Setting[]): string {
  const conditions = settings[0]?.misses.map(({ condition }) => condition) ?? [];
  return plotSvg({
    title: `“${word}”: misses against false accepts, validation part`,
    x: logAxis('false accepts per hour', -1, 3),
    y: linearAxis('missed', 0, 1, 0.1),
    series: conditions.map((condition, index) => ({
      name: condition,
      colour: colourOf(index),
      points: settings.map(
        ({ falseAcceptsPerHour, misses }) => [falseAcceptsPerHour, misses[index]?.miss ?? 1] as const,
      ),
    })),
  });
}

/** About eight ticks. */
function niceStep(last: number): number {
  const rough = last / 8;
  const decade = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * decade >= rough) ?? 10) * decade;
}
