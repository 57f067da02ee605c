import { countUpTo } from './float32';

/**
 * Distances between pictures of one person. A comparison that could not be made (no face found) counts as infinitely
 * far, since the person stays outside.
 */
export class GenuineDistances {
  private distances = new Float32Array(1024);
  private people = new Int32Array(1024);
  private held = 0;
  private failures = 0;
  private ordered: { distances: Float32Array; people: Int32Array } | null = null;

  get count(): number {
    return this.held;
  }

  /** How many of them were comparisons that could not be made. */
  get failed(): number {
    return this.failures;
  }

  /** `distance` Infinity: a picture without a face was part of it. */
  add(distance: number, person: number): void {
    if (this.held === this.distances.length) {
      const distances = new Float32Array(2 * this.held);
      const people = new Int32Array(2 * this.held);
      distances.set(this.distances);
      people.set(this.people);
      this.distances = distances;
      this.people = people;
    }
    this.distances[this.held] = distance;
    this.people[this.held] = person;
    this.held++;
    if (distance === Infinity) this.failures++;
    this.ordered = null;
  }

  /** Ascending by distance, with the person of each. */
  sorted(): { readonly distances: Float32Array; readonly people: Int32Array } {
    if (this.ordered === null) {
      const order = Uint32Array.from({ length: this.held }, (_, i) => i);
      order.sort((a, b) => compare(this.distances[a] as number, this.distances[b] as number));
      this.ordered = {
        distances: Float32Array.from(order, (at) => this.distances[at] as number),
        people: Int32Array.from(order, (at) => this.people[at] as number),
      };
    }
    return this.ordered;
  }

  /** How many are refused at this threshold (distance > threshold). */
  refused(threshold: number): number {
    return this.held - countUpTo(this.sorted().distances, threshold);
  }
}

/** Infinity − Infinity is NaN, so no subtraction. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
