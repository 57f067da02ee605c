/** A file of the box that keeps, over restarts, what it has retained on the broker. */
export interface RetainedMemory {
  read(): readonly string[];
  write(topics: readonly string[]): void;
}

/**
 * Remembers on which topics this box had something kept, so that what no longer belongs to it can be taken back: the state of a
 * door that was renamed, the whole box under its earlier name. Written only when a topic is added or goes.
 */
export class Ghosts {
  private readonly memory: RetainedMemory;
  private readonly belongs: (topic: string) => boolean;
  private topics: Set<string> | null = null;

  /** @param belongs whether this box, as it is configured now, says something on the topic */
  constructor(memory: RetainedMemory, belongs: (topic: string) => boolean) {
    this.memory = memory;
    this.belongs = belongs;
  }

  /** Something is kept there from now on, or, with an empty payload, nothing any more. */
  kept(topic: string, payload: string): void {
    if (payload === '') this.gone(topic);
    else if (!this.known.has(topic)) {
      this.known.add(topic);
      this.save();
    }
  }

  /** Stands on the broker and should not. */
  isGhost(topic: string): boolean {
    return !this.belongs(topic);
  }

  get stale(): readonly string[] {
    return [...this.known].filter((topic) => this.isGhost(topic));
  }

  gone(topic: string): void {
    if (this.known.delete(topic)) this.save();
  }

  /** Read at the first use, which is before anything is written. */
  private get known(): Set<string> {
    this.topics ??= new Set(this.memory.read());
    return this.topics;
  }

  private save(): void {
    this.memory.write([...this.known].sort());
  }
}
