import type { VoiceReady } from '../events';
import { type Detection, type NearMiss, WordDetector } from './wake-word/detector';
import type { VoiceJob } from './job';
import { WordModels } from './wake-word/load';
import type { SoundTap } from './sources/tap';

/** What is in work when other networks take over is still with the old ones. */
const DISPOSE_AFTER_MS = 2500;

/** The networks that run now, exchanged between two pieces of sound, and the receivers of their results. */
export class RunningWords {
  private detector: WordDetector;

  private constructor(
    private models: WordModels,
    private readonly job: VoiceJob,
    private readonly tap: SoundTap,
    private readonly nearMiss: ((miss: NearMiss) => void) | null,
  ) {
    this.detector = new WordDetector(models.listeners(), nearMiss);
  }

  /** @throws UsherError `model-missing`, `model-invalid` */
  static async open(job: VoiceJob, tap: SoundTap, nearMiss: ((miss: NearMiss) => void) | null): Promise<RunningWords> {
    return new RunningWords(await WordModels.open(job.microphone.words, job), job, tap, nearMiss);
  }

  get ready(): VoiceReady {
    const { microphone } = this.job;
    const words = this.models.listeners().map(({ word }) => word);
    return { kind: 'ready', microphone: microphone.id, at: Date.now(), words, models: this.models.running };
  }

  /** @throws UsherError `model-missing`, `model-invalid`: what listened goes on */
  async adopt(dirs: Readonly<Record<string, string>>): Promise<void> {
    const next = await WordModels.open(this.job.microphone.words, { ...this.job, dirs });
    const before = this.models;
    this.models = next;
    this.detector = new WordDetector(next.listeners(), this.nearMiss);
    setTimeout(() => void before.dispose().catch(() => undefined), DISPOSE_AFTER_MS).unref();
  }

  push(samples: Float32Array, length: number, found: (detection: Detection) => void): Promise<void> {
    this.tap.offer(samples, length);
    return this.detector.push(samples, length, found);
  }

  get attentive(): boolean {
    return this.detector.attentive;
  }

  reset(): void {
    this.detector.reset();
  }
}
