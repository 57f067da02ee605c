import type { SceneChange } from '../../events';

/** Whose word counts on what a camera sees as a whole: the running model's, or that of a candidate which may decide. */
export class SceneArbiter {
  private own: SceneChange | null = null;
  private candidate: SceneChange | null = null;
  private byCandidate = false;

  constructor(private readonly tell: (change: SceneChange) => void) {}

  /** What the running model has told last; null: nothing yet. */
  get ownScene(): string | null {
    return this.own?.scene ?? null;
  }

  ofOwn(change: SceneChange): void {
    this.own = change;
    if (!this.byCandidate) this.tell(change);
  }

  ofCandidate(change: SceneChange): void {
    this.candidate = change;
    if (this.byCandidate) this.tell(change);
  }

  /** From now on, beginning with what was told last. A candidate's word is forgotten when it no longer counts. */
  decide(byCandidate: boolean): void {
    if (byCandidate === this.byCandidate) return;
    this.byCandidate = byCandidate;
    const last = byCandidate ? this.candidate : this.own;
    if (last !== null) this.tell(last);
    if (!byCandidate) this.candidate = null;
  }

  /** Whoever hears that the running child is ready takes the scene for unknown; a candidate's stands. */
  again(): void {
    if (this.byCandidate && this.candidate !== null) this.tell(this.candidate);
  }

  /** The running process has ended: the next one has not looked yet. */
  forgetOwn(): void {
    this.own = null;
  }
}
