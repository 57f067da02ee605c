import { Gallery } from '../../../access/members/gallery';
import type { FaceApiReference } from '../face-api';
import { atLeast, atMost, withGoal, type Figure } from '../../report/figure';
import { median, quantile } from '../../../quantile';
import { seededRandom } from '../../../random';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface MatchBenchOptions {
  readonly queries: number;
  /** Searches with face-api's FaceMatcher, which is far slower. */
  readonly referenceQueries: number;
  readonly onProgress?: (phase: string, share: number) => void;
}

/** Result for one gallery size. */
export interface MatchRow {
  readonly members: number;
  readonly dimensions: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly bytesAboveVectors: number;
}

export interface MatchBench {
  readonly rows: readonly MatchRow[];
  /**
   * At the largest size, 128-d: FaceMatcher's median time divided by ours on the same vectors, and how often both find
   * the same person.
   */
  readonly ratio: number;
  readonly agreement: number;
  readonly agreementOf: number;
}

const SIZES = [1_000, 3_000, 10_000, 30_000, 100_000] as const;
const LARGEST = 100_000;
const SPACE = 'bench';
const WARM_UP = 20;

/**
 * Exhaustive 1:N search (the two nearest persons, as at a door) over galleries of random unit vectors, and FaceMatcher
 * on the same 100,000. Random vectors cost the same as faces, since the search reads every row.
 */
export async function runMatchBench(faceApi: FaceApiReference, options: MatchBenchOptions): Promise<MatchBench> {
  const rows: MatchRow[] = [];
  for (const [i, members] of SIZES.entries()) {
    options.onProgress?.('galleries', i / SIZES.length);
    rows.push(await measureGallery(members, 128, options.queries));
  }
  rows.push(await measureGallery(LARGEST, 512, options.queries));
  const compared = await compareWithFaceApi(faceApi, options);
  return { rows, ...compared };
}

async function measureGallery(members: number, dimensions: number, queries: number): Promise<MatchRow> {
  const vectors = unitVectors(dimensions, members);
  const before = await heldBytes();
  const gallery = new Gallery(SPACE, dimensions);
  let index = 0;
  for (const vector of vectors) gallery.add({ member: memberName(index++), space: SPACE, vector });
  const held = (await heldBytes()) - before;
  const random = unitVectors(dimensions, queries + WARM_UP, 2);
  const times: number[] = [];
  for (const vector of random) {
    const startedAt = performance.now();
    gallery.search({ space: SPACE, vector }, 2);
    times.push(performance.now() - startedAt);
  }
  const counted = times.slice(WARM_UP);
  return {
    members,
    dimensions,
    medianMs: median(counted),
    p99Ms: quantile(counted, 0.99),
    bytesAboveVectors: held - members * dimensions * 4,
  };
}

/** Alternating query by query, so that other load on the machine affects both. */
async function compareWithFaceApi(faceApi: FaceApiReference, { referenceQueries, onProgress }: MatchBenchOptions) {
  const gallery = new Gallery(SPACE, 128);
  const descriptors = [...unitVectors(128, LARGEST)];
  descriptors.forEach((vector, i) => gallery.add({ member: memberName(i), space: SPACE, vector }));
  const matcher = faceApi.matcher(descriptors, Infinity);
  const ratios: number[] = [];
  let agreed = 0;
  for (const [i, query] of [...unitVectors(128, referenceQueries + 1, 3)].entries()) {
    const startedAt = performance.now();
    const [nearest] = gallery.search({ space: SPACE, vector: query }, 2);
    const between = performance.now();
    const best = matcher.findBestMatch(query);
    const endedAt = performance.now();
    // The first query warms both up.
    if (i === 0) continue;
    ratios.push((endedAt - between) / (between - startedAt));
    if (best.label === `person ${Number(nearest?.member.slice(1)) + 1}`) agreed++;
    onProgress?.('FaceMatcher', i / referenceQueries);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { ratio: median(ratios), agreement: agreed / referenceQueries, agreementOf: referenceQueries };
}

const memberName = (index: number): string => `m${index}`;

function* unitVectors(dimensions: number, count: number, seed = 1): Generator<Float32Array> {
  const random = seededRandom(seed);
  for (let i = 0; i < count; i++) {
    const vector = Float32Array.from({ length: dimensions }, () => random.next() - 0.5);
    const norm = Math.hypot(...vector);
    yield vector.map((value) => value / norm);
  }
}

export function matchFigures({ rows, ratio, agreement, agreementOf }: MatchBench): Figure[] {
  const at = (members: number, dimensions: number) =>
    rows.find((row) => row.members === members && row.dimensions === dimensions);
  const largest = at(LARGEST, 128);
  const wide = at(LARGEST, 512);
  const exponent = growthExponent(rows.filter(({ dimensions }) => dimensions === 128));
  return [
    withGoal({ name: 'match.p99_ms_100k', value: largest?.p99Ms ?? null, unit: 'ms', note: '128-d' }, atMost(10)),
    { name: 'match.median_ms_100k', value: largest?.medianMs ?? null, unit: 'ms', note: '128-d' },
    { name: 'match.p99_ms_100k_512d', value: wide?.p99Ms ?? null, unit: 'ms', note: '512-d, the default encoder' },
    withGoal(
      { name: 'match.ratio_vs_face_api', value: ratio, unit: 'x', note: 'FaceMatcher, same 100,000 × 128-d' },
      atLeast(5),
    ),
    withGoal(
      {
        name: 'match.agreement_with_face_api',
        value: agreement,
        unit: 'ratio',
        note: `same nearest person, ${agreementOf} searches`,
      },
      atLeast(1),
    ),
    withGoal(
      {
        name: 'match.growth_exponent',
        value: exponent,
        unit: '',
        note: 'time ∝ members^this from 1,000 to 100,000; 1 is linear',
      },
      atMost(1.1),
    ),
    withGoal(
      {
        name: 'match.memory_above_vectors_mb',
        value: largest ? largest.bytesAboveVectors / 1e6 : null,
        unit: 'MB',
        note: '100,000 × 128-d',
      },
      atMost(64),
    ),
  ];
}

/** Least-squares slope of log time over log members. */
export function growthExponent(rows: readonly Pick<MatchRow, 'members' | 'medianMs'>[]): number {
  const points = rows.map(({ members, medianMs }) => [Math.log(members), Math.log(medianMs)] as const);
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

/** Memory after a garbage collection. Resident memory would also show what earlier sizes left. */
export async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  // WebAssembly memory is freed one turn of the event loop after its owner is gone.
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
