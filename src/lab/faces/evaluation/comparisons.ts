import { createKernel, LANE_FLOATS, type SimilarityKernel } from '../../../access/members/similarity';
import { allPairsWeight, enrolledProbesWeight, type ImpostorWeight } from '../../report/bootstrap';
import type { Scores } from '../../report/det';
import { vectorOf, type EmbeddingSet } from '../data/embedding-set';
import { GenuineDistances } from '../../report/genuine-distances';
import { ImpostorDistances } from '../../report/impostor-distances';

/** Rows of 512 floats that fit the second-level cache while every picture is compared with them. */
const TILE_ROWS = 128;

/** Two pictures by index, i < j; `distance` Infinity where a face was not found. Called for every comparison. */
export type PairVisitor = (i: number, j: number, distance: number, same: boolean) => void;

export interface Comparisons extends Scores {
  /** Genuine and impostor comparisons left out of the impostor side because a face was not found. */
  readonly impostorsNotMade: number;
  readonly weightOf: ImpostorWeight;
}

/**
 * Compares enrolled pictures with probes or, where pictures have no role, all with all (each pair once). A genuine pair
 * that includes a picture without a face counts as infinitely far; an impostor pair with one does not count. 87 million
 * pairs of 512 dimensions take about ten seconds.
 * @param onProgress share done, 0..1; called between tiles, when the event loop also gets a turn
 */
export async function compareAll(
  set: EmbeddingSet,
  onProgress: (share: number) => void = () => undefined,
  kernel: SimilarityKernel = createKernel(),
  onPair: PairVisitor | null = null,
): Promise<Comparisons> {
  const genuine = new GenuineDistances();
  const impostor = new ImpostorDistances();
  const { pictures } = set;
  const rowFloats = Math.max(1, Math.ceil(set.dimensions / LANE_FLOATS)) * LANE_FLOATS;
  const outAt = pictures.length * rowFloats;
  kernel.reserve(outAt + TILE_ROWS);
  pictures.forEach((_, i) => {
    const vector = vectorOf(set, i);
    if (vector !== null) kernel.floats.set(vector, i * rowFloats);
  });

  const persons = Int32Array.from(pictures, ({ person }) => person);
  const roles = Uint8Array.from(pictures, ({ role }) => (role === 'any' ? 0 : role === 'enrolled' ? 1 : 2));
  let impostorsNotMade = 0;
  for (let tile = 0; tile < pictures.length; tile += TILE_ROWS) {
    const rows = Math.min(TILE_ROWS, pictures.length - tile);
    // Row i is compared only with later rows, so each pair comes once.
    for (let i = 0; i < tile + rows - 1; i++) {
      const from = Math.max(tile, i + 1);
      kernel.squaredDistances(i * rowFloats, from * rowFloats, tile + rows - from, rowFloats, outAt);
      const squared = kernel.floats;
      const person = persons[i] as number;
      const role = roles[i] as number;
      const here = set.acquired[i] === 1;
      for (let j = from; j < tile + rows; j++) {
        if (role !== 0 && role === roles[j]) continue;
        const other = persons[j] as number;
        const made = here && set.acquired[j] === 1;
        const distance = made ? Math.sqrt(squared[outAt + j - from] as number) : Infinity;
        onPair?.(i, j, distance, person === other);
        if (person === other) genuine.add(distance, person);
        else if (made) impostor.add(distance, person, other);
        else impostorsNotMade++;
      }
    }
    onProgress(((tile + rows) / pictures.length) ** 2);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { genuine, impostor, impostorsNotMade, weightOf: weightFor(set) };
}

function weightFor(set: EmbeddingSet): ImpostorWeight {
  const people = set.pictures.reduce((most, { person }) => Math.max(most, person + 1), 0);
  const any = new Int32Array(people);
  const enrolled = new Int32Array(people);
  const probes = new Int32Array(people);
  set.pictures.forEach(({ person, role }, i) => {
    if (set.acquired[i] !== 1) return;
    const counts = role === 'any' ? any : role === 'enrolled' ? enrolled : probes;
    counts[person] = (counts[person] as number) + 1;
  });
  return any.some((count) => count > 0) ? allPairsWeight(any) : enrolledProbesWeight(enrolled, probes);
}
