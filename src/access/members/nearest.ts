/**
 * The k nearest persons so far, one entry a person, ascending. Reused for each search, so that rows are offered without
 * allocation. Equal distances are ordered by member id, so that the result does not depend on the enrolment order.
 */
export class NearestPersons {
  private persons = new Int32Array(8);
  private squared = new Float64Array(8);
  private count = 0;
  private wanted = 1;

  /** An offer above this is ignored. */
  bound = Infinity;

  constructor(private readonly idOf: (person: number) => string) {}

  get length(): number {
    return this.count;
  }

  person(rank: number): number {
    return this.persons[rank] as number;
  }

  squaredDistance(rank: number): number {
    return this.squared[rank] as number;
  }

  reset(k: number): void {
    if (k > this.persons.length) {
      this.persons = new Int32Array(k);
      this.squared = new Float64Array(k);
    }
    this.wanted = k;
    this.count = 0;
    this.bound = Infinity;
  }

  offer(person: number, squared: number): void {
    let rank = this.rankOf(person);
    if (rank === -1) {
      const full = this.count === this.wanted;
      if (full && !this.precedes(person, squared, this.count - 1)) return;
      rank = full ? this.count - 1 : this.count++;
    } else if (squared >= (this.squared[rank] as number)) return;
    while (rank > 0 && this.precedes(person, squared, rank - 1)) {
      this.persons[rank] = this.persons[rank - 1] as number;
      this.squared[rank] = this.squared[rank - 1] as number;
      rank -= 1;
    }
    this.persons[rank] = person;
    this.squared[rank] = squared;
    if (this.count === this.wanted) this.bound = this.squared[this.count - 1] as number;
  }

  private rankOf(person: number): number {
    for (let rank = 0; rank < this.count; rank += 1) if (this.persons[rank] === person) return rank;
    return -1;
  }

  private precedes(person: number, squared: number, rank: number): boolean {
    const other = this.squared[rank] as number;
    if (squared !== other) return squared < other;
    return this.idOf(person) < this.idOf(this.persons[rank] as number);
  }
}
