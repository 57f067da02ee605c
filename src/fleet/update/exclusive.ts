/** One at a time, in order of the calls. */
export class Exclusive {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves when it is the caller's turn, with a function that ends the turn. Call that once, whatever happens. */
  async enter(): Promise<() => void> {
    let leave: () => void = () => undefined;
    const turn = this.last;
    this.last = new Promise<void>((resolve) => (leave = resolve));
    await turn;
    return leave;
  }
}
