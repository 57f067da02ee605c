import { UsherError } from '../../errors';
import { NearestPersons } from './nearest';
import { createKernel, LANE_FLOATS, type SimilarityKernel } from './similarity';

/** A vector and its space. Vectors of two spaces are never compared. It need not be of unit length. */
export interface Embedding {
  readonly space: string;
  readonly vector: Float32Array;
}

/** One of a member's reference vectors. */
export interface GalleryTemplate extends Embedding {
  readonly member: string;
}

/** A person near the query. */
export interface Neighbour {
  readonly member: string;
  /** L2 distance of the query to this member's nearest template. */
  readonly distance: number;
}

/** Rows in one call of the kernel; their distances fit the first-level cache. */
const CHUNK_ROWS = 2048;

/**
 * All templates of one embedding space in one block of memory, searched exhaustively and exactly. At 100,000 templates
 * this takes a few milliseconds, so an approximate index, which misses neighbours, is not worthwhile. Invariants: block
 * = query | distances of a chunk | rows; row i belongs to person `rowPerson[i]`, entries from `size` on are −1; a
 * person has at least one row. Padding of rows and query is zero. Every vector in it is finite and not zero. Errors:
 * `UsherError('data-invalid')` for a vector of another space or length, with a value that is not finite, or of length
 * zero (an encoder that failed returns it, and it lies within the threshold of every unit vector).
 */
export class Gallery {
  private readonly rowFloats: number;
  private readonly outAt: number;
  private readonly rowsAt: number;
  private readonly nearest: NearestPersons;
  private rowPerson = new Int32Array(64).fill(-1);
  private rows = 0;
  private ids: string[] = [];
  private readonly persons = new Map<string, number>();
  private vacant: number[] = [];

  constructor(
    readonly space: string,
    readonly dimensions: number,
    private readonly kernel: SimilarityKernel = createKernel(),
  ) {
    this.rowFloats = Math.ceil(dimensions / LANE_FLOATS) * LANE_FLOATS;
    this.outAt = this.rowFloats;
    this.rowsAt = this.outAt + CHUNK_ROWS;
    this.nearest = new NearestPersons((person) => this.ids[person] as string);
  }

  /** Number of templates. */
  get size(): number {
    return this.rows;
  }

  /** Number of persons. */
  get members(): number {
    return this.persons.size;
  }

  has(member: string): boolean {
    return this.persons.has(member);
  }

  /** Replaces all templates. If one is refused, the gallery does not change. */
  replaceAll(templates: Iterable<GalleryTemplate>): void {
    const all = Array.isArray(templates) ? (templates as readonly GalleryTemplate[]) : [...templates];
    for (const template of all) this.check(template);
    this.reserve(all.length);
    this.kernel.floats.fill(0, this.rowsAt, this.rowAt(this.rows));
    this.rowPerson.fill(-1);
    this.rows = 0;
    this.ids = [];
    this.persons.clear();
    this.vacant = [];
    for (const template of all) this.append(template);
  }

  add(template: GalleryTemplate): void {
    this.check(template);
    this.reserve(this.rows + 1);
    this.append(template);
  }

  /** Removes all templates of a member. False if there are none. */
  removeMember(member: string): boolean {
    const person = this.persons.get(member);
    if (person === undefined) return false;
    for (let row = this.rows - 1; row >= 0; row -= 1) if (this.rowPerson[row] === person) this.removeRow(row);
    this.persons.delete(member);
    this.vacant.push(person);
    return true;
  }

  /**
   * The k nearest persons by each one's best template, ascending; fewer if there are fewer persons. Distances are
   * float32 sums of squares: relative error about 1e-6. Allocates only the result.
   */
  search(query: Embedding, k = 2): Neighbour[] {
    if (!Number.isInteger(k) || k < 1) throw new RangeError(`k must be a positive integer, not ${k}`);
    this.check(query);
    this.kernel.reserve(this.rowsAt);
    this.write(0, query.vector);
    this.nearest.reset(Math.min(k, Math.max(1, this.persons.size)));
    for (let first = 0; first < this.rows; first += CHUNK_ROWS)
      this.scan(first, Math.min(CHUNK_ROWS, this.rows - first));
    return Array.from({ length: this.nearest.length }, (_, rank) => ({
      member: this.ids[this.nearest.person(rank)] as string,
      distance: Math.sqrt(this.nearest.squaredDistance(rank)),
    }));
  }

  /** L2 distance of the query to the member's nearest template; null for a member without one. */
  distanceTo(member: string, query: Embedding): number | null {
    this.check(query);
    const person = this.persons.get(member);
    if (person === undefined) return null;
    this.write(0, query.vector);
    let best = Infinity;
    for (let row = this.rowPerson.indexOf(person); row !== -1; row = this.rowPerson.indexOf(person, row + 1)) {
      this.kernel.squaredDistances(0, this.rowAt(row), 1, this.rowFloats, this.outAt);
      best = Math.min(best, this.kernel.floats[this.outAt] as number);
    }
    return Math.sqrt(best);
  }

  private scan(first: number, count: number): void {
    this.kernel.squaredDistances(0, this.rowAt(first), count, this.rowFloats, this.outAt);
    const { rowPerson, nearest, outAt } = this;
    const floats = this.kernel.floats;
    for (let i = 0; i < count; i += 1) {
      const squared = floats[outAt + i] as number;
      if (squared <= nearest.bound) nearest.offer(rowPerson[first + i] as number, squared);
    }
  }

  private append(template: GalleryTemplate): void {
    let person = this.persons.get(template.member);
    if (person === undefined) {
      person = this.vacant.pop() ?? this.ids.length;
      this.ids[person] = template.member;
      this.persons.set(template.member, person);
    }
    this.write(this.rowAt(this.rows), template.vector);
    this.rowPerson[this.rows] = person;
    this.rows += 1;
  }

  /** The last row takes the place of the removed one, whose vector is overwritten. */
  private removeRow(row: number): void {
    const last = this.rows - 1;
    const { floats } = this.kernel;
    floats.copyWithin(this.rowAt(row), this.rowAt(last), this.rowAt(last + 1));
    floats.fill(0, this.rowAt(last), this.rowAt(last + 1));
    this.rowPerson[row] = this.rowPerson[last] as number;
    this.rowPerson[last] = -1;
    this.rows = last;
  }

  private rowAt(row: number): number {
    return this.rowsAt + row * this.rowFloats;
  }

  private write(at: number, vector: Float32Array): void {
    this.kernel.floats.set(vector, at);
  }

  private reserve(rows: number): void {
    this.kernel.reserve(this.rowAt(rows));
    if (rows <= this.rowPerson.length) return;
    const larger = new Int32Array(Math.max(rows, Math.ceil(this.rowPerson.length * 1.5))).fill(-1);
    larger.set(this.rowPerson);
    this.rowPerson = larger;
  }

  private check({ space, vector }: Embedding): void {
    if (space !== this.space)
      throw new UsherError('data-invalid', `a vector of space "${space}" cannot be compared in space "${this.space}"`, {
        remedy:
          'Enrol the members again with the encoder that is in use, or configure the encoder they were enrolled with.',
      });
    if (vector.length !== this.dimensions)
      throw new UsherError('data-invalid', `a vector has ${vector.length} dimensions instead of ${this.dimensions}`);
    let squared = 0;
    for (const value of vector) squared += value * value;
    if (!(squared > 0 && squared < Infinity))
      throw new UsherError('data-invalid', 'a vector is zero or contains a value that is not a finite number');
  }
}
