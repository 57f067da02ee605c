import type { Figure } from './figure';

/** Name, value, interval, goal, remark of each figure, for people. */
export function figureRows(figures: readonly Figure[]): string[][] {
  return figures.map((figure) => {
    const { name, unit, low, high, reach, bound, note } = figure;
    const goal = reach === undefined ? '' : `${bound === 'at-most' ? '≤' : '≥'} ${valueText(reach, unit)}`;
    return [
      name,
      figure.value === null ? 'not measurable' : valueText(figure.value, unit),
      low === undefined || high === undefined ? '' : `${valueText(low, unit)} … ${valueText(high, unit)}`,
      goal === '' ? '' : `${goal} ${verdictOf(figure)}`,
      note ?? '',
    ];
  });
}

/** A value that reaches its goal is not proven if its interval also includes values that miss it. */
function verdictOf({ meets, reach = 0, bound, low = reach, high = reach }: Figure): string {
  if (meets !== true) return 'MISSED';
  const proven = bound === 'at-most' ? high <= reach : low >= reach;
  return proven ? 'reached' : 'reached, not proven';
}

export function valueText(value: number, unit: string): string {
  if (unit === 'ratio') return `${Number((100 * value).toPrecision(3))} %`;
  const number = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  return unit === '' || unit === 'L2' ? number : unit === 'x' ? `${number}×` : `${number} ${unit}`;
}
