import { countUpTo } from '../../report/float32';
import { Gallery } from '../../../access/members/gallery';
import { vectorOf, type EmbeddingSet } from '../data/embedding-set';
import { wilson, type Interval } from '../../report/intervals';

const SPACE = 'evaluation';

interface Nearest {
  /** Position in the gallery. */
  readonly index: number;
  readonly distance: number;
}

/** Open-set 1:N search by ISO/IEC 19795-1 and Grother's FRVT 1:N reports, rank 1. */
export interface IdentificationTrials {
  /** Persons in the gallery that each search went through. */
  readonly gallerySize: number;
  /** Nearest gallery distance of each search by a person who is not enrolled, ascending. */
  readonly nonMated: Float32Array;
  /** Distance of each mated search when its own person came first, Infinity otherwise; ascending. */
  readonly mated: Float32Array;
}

export interface FnirAtFpir {
  readonly targetFpir: number;
  readonly threshold: number;
  readonly fpir: number;
  readonly fnir: number;
  readonly interval: Interval;
}

/**
 * Persons with at least two pictures are dealt alternately into two halves. Each half is enrolled once (first picture a
 * person), while the later pictures of the other half, and half of the persons with a single picture, are strangers.
 * The enrolled persons' later pictures are the mated searches. So every person serves on both sides, but never in the
 * same gallery. A probe without a face counts as a false negative, not as a false positive. Null if there are too few
 * persons.
 */
export function openSetSearches(set: EmbeddingSet): IdentificationTrials | null {
  const byPerson = new Map<number, number[]>();
  set.pictures.forEach(({ person }, i) => {
    const list = byPerson.get(person);
    if (list === undefined) byPerson.set(person, [i]);
    else list.push(i);
  });
  // Enrolled pictures first, whatever the file order.
  const people = [...byPerson.values()].map((list) => list.sort((a, b) => rank(set, a) - rank(set, b) || a - b));
  const several = people.filter((list) => list.length > 1 && vectorOf(set, list[0] as number) !== null);
  const single = people.filter((list) => list.length === 1);
  const mated: number[] = [];
  const nonMated: number[] = [];
  let gallerySize = 0;
  for (const half of [0, 1]) {
    const enrolled = several.filter((_, i) => i % 2 === half);
    const gallery = enrolled.map((list) => list[0] as number);
    gallerySize = Math.max(gallerySize, gallery.length);
    if (gallery.length === 0) return null;
    const search = searchIn(set, gallery);
    enrolled.forEach((list, own) => {
      for (const probe of list.slice(1)) {
        const best = search(probe);
        mated.push(best?.index === own ? best.distance : Infinity);
      }
    });
    const strangers = several.filter((_, i) => i % 2 !== half).flatMap((list) => list.slice(1));
    strangers.push(...single.filter((_, i) => i % 2 === half).flat());
    for (const probe of strangers) {
      const best = search(probe);
      if (best !== null) nonMated.push(best.distance);
    }
  }
  return { gallerySize, nonMated: Float32Array.from(nonMated).sort(), mated: Float32Array.from(mated).sort() };
}

/** Null if fewer than one false positive is expected of so few searches. */
export function fnirAtFpir(trials: IdentificationTrials, targetFpir: number): FnirAtFpir | null {
  const allowed = Math.floor(targetFpir * trials.nonMated.length * (1 + 1e-12));
  if (allowed < 1 || trials.mated.length === 0) return null;
  // The first distance that must not be accepted; everything below it is accepted.
  const limit = trials.nonMated[allowed] ?? Infinity;
  const missed = trials.mated.reduce((count, distance) => count + (distance >= limit ? 1 : 0), 0);
  const accepted = trials.nonMated.reduce((count, distance) => count + (distance < limit ? 1 : 0), 0);
  return {
    targetFpir,
    threshold: limit,
    fpir: accepted / trials.nonMated.length,
    fnir: missed / trials.mated.length,
    interval: wilson(missed, trials.mated.length),
  };
}

/** FPIR and FNIR over the threshold, for plots. */
export function identificationCurve(trials: IdentificationTrials): readonly { fpir: number; fnir: number }[] {
  const thresholds = new Set(trials.nonMated);
  return [...thresholds].map((threshold) => ({
    fpir: countUpTo(trials.nonMated, threshold) / trials.nonMated.length,
    fnir: 1 - countUpTo(trials.mated, threshold) / Math.max(1, trials.mated.length),
  }));
}

const rank = (set: EmbeddingSet, picture: number): number => (set.pictures[picture]?.role === 'enrolled' ? 0 : 1);

/** The door's own search over the first pictures of these persons. */
function searchIn(set: EmbeddingSet, rows: readonly number[]): (probe: number) => Nearest | null {
  const gallery = new Gallery(SPACE, set.dimensions);
  rows.forEach((row, index) => {
    const vector = vectorOf(set, row);
    if (vector !== null) gallery.add({ member: String(index), space: SPACE, vector });
  });
  return (probe) => {
    const vector = vectorOf(set, probe);
    const [best] = vector === null ? [] : gallery.search({ space: SPACE, vector }, 1);
    return best === undefined ? null : { index: Number(best.member), distance: best.distance };
  };
}
