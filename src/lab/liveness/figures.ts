import { atMost, type Figure, withGoal } from '../report/figure';
import { wilson } from '../report/intervals';
import { linearAxis } from '../report/svg-axes';
import { colourOf, plotSvg } from '../report/svg-plot';
import { ATTACKS, type Presentation } from './attacks';
import type { JudgedPresentation, LivenessTrial } from './evaluate';

/** The mean score of one presentation; null without scored frames. */
const meanScore = ({ scores }: JudgedPresentation): number | null =>
  scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;

/**
 * Rates by ISO/IEC 30107-3. APCER: share of one kind of attack that was accepted as live; the worst kind counts. BPCER:
 * share of persons that were not accepted as live, including undecided ones and those without a usable face, since the
 * door stays shut for both. ACER is the mean of the worst APCER and BPCER.
 */
export function livenessFigures({ presentations, msPerScore }: LivenessTrial): Figure[] {
  const of = (kind: Presentation): JudgedPresentation[] => presentations.filter((one) => one.kind === kind);
  const rate = (name: string, hits: number, all: number, note: string): Figure => ({
    name,
    value: all === 0 ? null : hits / all,
    unit: 'ratio',
    ...wilson(hits, all),
    note,
  });
  const kinds = ATTACKS.map((kind) => {
    const attacks = of(kind);
    const passed = attacks.filter(({ verdict }) => verdict === 'live').length;
    const name = `liveness.apcer.${kind.replace('-', '_')}`;
    return rate(name, passed, attacks.length, `${passed} of ${attacks.length} taken for live`);
  });
  const worst = kinds.reduce((most, one) => ((one.value ?? 0) > (most.value ?? 0) ? one : most));
  const persons = of('bona-fide');
  const refused = persons.filter(({ verdict }) => verdict !== 'live').length;
  const faceless = persons.filter(({ faces }) => faces === 0).length;
  const bpcer = rate(
    'liveness.bpcer',
    refused,
    persons.length,
    `${refused} of ${persons.length} persons not taken for live${faceless === 0 ? '' : `, ${faceless} of them without a usable face`}`,
  );
  const acer = ((worst.value ?? NaN) + (bpcer.value ?? NaN)) / 2;
  return [
    withGoal(
      { ...worst, name: 'liveness.apcer_worst', note: `${worst.name.split('.').at(-1) ?? ''}: ${worst.note ?? ''}` },
      atMost(0.1),
    ),
    withGoal(bpcer, atMost(0.03)),
    { name: 'liveness.acer', value: Number.isNaN(acer) ? null : acer, unit: 'ratio' },
    ...kinds,
    ...halves(presentations),
    ...ATTACKS.map((kind) => separability(kind, of(kind), persons)),
    motionFigure(
      'liveness.flat_motion_found',
      presentations.filter(({ kind }) => kind !== 'bona-fide'),
      'flat',
    ),
    motionFigure('liveness.flat_motion_mistaken', persons, 'flat'),
    { name: 'liveness.ms', value: msPerScore, unit: 'ms', note: 'one scored frame, crop included' },
  ];
}

/** Share of persons that a threshold, set on other persons, may refuse. */
const TUNED_BPCER = 0.03;

/**
 * What other rules would give, each set on every second person and measured on the others: another threshold on the
 * mean score, and a door that requires the head to turn.
 */
function halves(presentations: readonly JudgedPresentation[]): Figure[] {
  const scored = presentations.flatMap((one) => {
    const mean = meanScore(one);
    return mean === null ? [] : [{ ...one, mean }];
  });
  const setOn = scored.filter(({ kind, person }) => kind === 'bona-fide' && person % 2 === 0);
  const threshold = setOn.map(({ mean }) => mean).sort((a, b) => a - b)[Math.floor(TUNED_BPCER * setOn.length)];
  if (threshold === undefined) return [];
  const measured = scored.filter(({ person }) => person % 2 === 1);
  return [
    ...worstAndPersons(
      'tuned',
      measured,
      ({ mean }) => mean >= threshold,
      `mean logit ≥ ${threshold.toFixed(1)}, set on other persons`,
    ),
    ...worstAndPersons('motion_required', presentations, ({ liveInDepth }) => liveInDepth, 'motion: require'),
  ];
}

function worstAndPersons<T extends JudgedPresentation>(
  rule: string,
  list: readonly T[],
  passes: (one: T) => boolean,
  note: string,
): Figure[] {
  const shareOf = (kind: Presentation): { hits: number; all: number } => {
    const of = list.filter((one) => one.kind === kind);
    return { hits: of.filter(passes).length, all: of.length };
  };
  const rate = (name: string, hits: number, all: number, of: string): Figure => ({
    name: `liveness.${name}.${rule}`,
    value: all === 0 ? null : hits / all,
    unit: 'ratio',
    ...wilson(hits, all),
    note: `${of}${hits} of ${all}; ${note}`,
  });
  const worst = ATTACKS.map((kind) => ({ kind, ...shareOf(kind) })).reduce((most, one) =>
    one.hits * most.all > most.hits * one.all ? one : most,
  );
  const persons = shareOf('bona-fide');
  return [
    rate('apcer_worst', worst.hits, worst.all, `${worst.kind}: `),
    rate('bpcer', persons.all - persons.hits, persons.all, ''),
  ];
}

function motionFigure(name: string, list: readonly JudgedPresentation[], motion: 'flat'): Figure {
  const found = list.filter((one) => one.motion === motion).length;
  return {
    name,
    value: list.length === 0 ? null : found / list.length,
    unit: 'ratio',
    ...wilson(found, list.length),
    note: `${found} of ${list.length} moved as flat things do`,
  };
}

/**
 * Independent of a threshold: how often a person scores above an attack (area under the ROC curve), by the network
 * alone.
 */
function separability(kind: Presentation, attacks: JudgedPresentation[], persons: JudgedPresentation[]): Figure {
  const values = (list: JudgedPresentation[]): number[] => list.flatMap((one) => meanScore(one) ?? []);
  const [low, high] = [values(attacks), values(persons)];
  let above = 0;
  for (const a of low) for (const b of high) above += b > a ? 1 : b === a ? 0.5 : 0;
  const pairs = low.length * high.length;
  return {
    name: `liveness.auc.${kind.replace('-', '_')}`,
    value: pairs === 0 ? null : above / pairs,
    unit: 'ratio',
    note: 'a person scores above an attack; the network alone',
  };
}

/** Error rates over the threshold on the mean score: each kind of attack, and the persons. */
export function thresholdSvg({ presentations }: LivenessTrial): string {
  const thresholds = Array.from({ length: 81 }, (_, i) => -8 + i * 0.25);
  const series = (['bona-fide', ...ATTACKS] as const).map((kind, i) => {
    const scores = presentations.filter((one) => one.kind === kind).flatMap((one) => meanScore(one) ?? []);
    const wrong = (threshold: number): number =>
      scores.filter((score) => (kind === 'bona-fide' ? score < threshold : score >= threshold)).length /
      Math.max(1, scores.length);
    return {
      name: kind === 'bona-fide' ? 'BPCER' : `APCER ${kind}`,
      colour: i === 0 ? '#222222' : colourOf(i - 1),
      points: thresholds.map((threshold) => [threshold, wrong(threshold)] as const),
    };
  });
  return plotSvg({
    title: 'Mean logit of a presentation: errors over the threshold',
    x: linearAxis('threshold', -8, 12, 2),
    y: linearAxis('error rate', 0, 1, 0.1),
    series,
  });
}
