import type { SceneChange } from '../../events';

/** Decides whether a camera's scene comes from the running model or from a candidate that may decide. */
export class SceneArbiter {
  private own: SceneChange | null = null;
  private candidate: SceneChange | null = null;
  private byCandidate = false;

  constructor(private readonly tell: (change: SceneChange) => void) {}

  /** The running model's last scene; null if it has none yet. */
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

  /** Takes effect at once, with the scene reported last. A candidate's scene is dropped when it no longer counts. */
  decide(byCandidate: boolean): void {
    if (byCandidate === this.byCandidate) return;
    this.byCandidate = byCandidate;
    const last = byCandidate ? this.candidate : this.own;
    if (last !== null) this.tell(last);
    if (!byCandidate) this.candidate = null;
  }

  /**
   * Reports the scene again: a receiver that learns that the running child is ready takes the scene for unknown, but a
   * candidate's scene is still valid.
   */
  again(): void {
    if (this.byCandidate && this.candidate !== null) this.tell(this.candidate);
  }

  /** The running process has ended, and the next one has not classified the scene yet. */
  forgetOwn(): void {
    this.own = null;
  }
}
