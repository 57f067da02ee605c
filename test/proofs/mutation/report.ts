import { isReached, type MutationRecord, REACH, type Survivor } from './record';

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** A readable table, and every survivor. */
export function textOf(record: MutationRecord): string {
  const width = Math.max(4, ...record.files.map(({ file }) => file.length));
  const row = (file: string, ...cells: (string | number)[]): string =>
    `${file.padEnd(width)}${cells.map((cell) => String(cell).padStart(10)).join('')}`;
  const survived = record.mutants - record.killed - record.argued - record.untried;
  const lines = [
    `mutation of ${record.date.slice(0, 16).replace('T', ' ')} at ${record.commit}, ${record.minutes} minutes`,
    '',
    row('file', 'mutants', 'killed', 'endless', 'argued', 'survived', 'share'),
    ...record.files.map(({ file, mutants, killed, timeouts, argued }) =>
      row(file, mutants, killed, timeouts, argued, mutants - killed - argued, percent(killed, mutants)),
    ),
    ...(record.untried > 0 ? [`${record.untried} were not tried; they count as if they lived`] : []),
    row('all', record.mutants, record.killed, '', record.argued, survived, percent(record.killed, record.mutants)),
    ...section('survived', record.survivors.filter(({ argued }) => argued === null).map(lineOf)),
    ...section(
      'argued',
      record.survivors
        .filter(({ argued }) => argued !== null)
        .map((each) => `${lineOf(each)}\n    ${each.argued ?? ''}`),
    ),
    ...section(
      'arguments about code that has changed: look again',
      record.stale.map(({ file, declaration, before, after }) => `${file} ${declaration}: ${before} → ${after}`),
    ),
    ...section(
      'arguments about mutants that are killed: take them out',
      record.needless.map(({ file, declaration, before, after }) => `${file} ${declaration}: ${before} → ${after}`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

export function figuresOf(record: MutationRecord): object {
  const value = record.mutants === 0 ? 0 : record.killed / record.mutants;
  const { date, commit, mutants, killed, argued, untried, minutes } = record;
  return {
    figures: [{ name: 'mutation.killed', value, unit: 'share', reach: REACH, meets: value >= REACH }],
    ...{ date, commit, mutants, killed, argued, survived: mutants - killed - argued - untried, untried, minutes },
    files: record.files,
    survivors: record.survivors,
  };
}

/** What keeps the proof from standing. */
export function faultsOf(record: MutationRecord): string[] {
  const faults: string[] = [];
  const survived = record.survivors.filter(({ argued }) => argued === null).length;
  if (!isReached(record))
    faults.push(`${percent(record.killed, record.mutants)} killed, at least ${percent(REACH, 1)} are asked for`);
  if (survived > 0) faults.push(`${survived} survivors that nobody has argued`);
  if (record.stale.length > 0) faults.push(`${record.stale.length} arguments about code that has changed`);
  if (record.needless.length > 0) faults.push(`${record.needless.length} arguments about mutants that are killed`);
  return faults;
}

function lineOf({ file, line, operator, before, after, unreached }: Survivor): string {
  return `${file}:${line} ${operator} ${before} → ${after}${unreached ? ' (no test comes by)' : ''}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}
