import { type Liveness, type RunningModel } from '../../events';
import type { AnalysedFace } from '../faces/analyser';
import type { Frame } from '../picture/frame';
import { LivenessJudge } from './judge';
import type { LivenessModel } from './model';

/** Liveness of one camera's subject, frame by frame. Only a face that passed the gates is judged, and not in every frame. */
export class LivenessWatch {
  private readonly judge = new LivenessJudge();
  private track: number | null = null;

  constructor(private readonly model: Pick<LivenessModel, 'score' | 'running' | 'dispose'>) {}

  get running(): RunningModel {
    return this.model.running;
  }

  /** @param at time of the frame, ms */
  async observe(at: number, track: number, frame: Frame, face: AnalysedFace): Promise<Liveness> {
    if (track !== this.track) {
      this.track = track;
      this.judge.reset();
    }
    if (face.refusal === null) {
      this.judge.move(face.five);
      if (this.judge.wantsScore(at)) this.judge.add(at, await this.model.score(frame, face.box));
    }
    return this.judge.verdict(at);
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}
