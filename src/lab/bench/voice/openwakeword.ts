import { join } from 'node:path';
import { CPU_ONE_THREAD, type Model, type Tensor } from '../../../inference/model';
import { loadOnnx } from '../../../inference/onnx';

export const OPENWAKEWORD_FILES = { mel: 'speech_melspectrogram.onnx', embedding: 'speech_embedding.onnx' } as const;

/** Its networks run once for this much sound: 80 ms. */
export const STRIDE_SAMPLES = 1280;
/** Its mel network needs this much past sound for eight whole frames of the new piece. */
const PAST_SAMPLES = 480;
const MEL_BANDS = 32;
const EMBEDDED_FRAMES = 76;

/**
 * The two feature networks that openWakeWord runs for every 80 ms of sound, whatever the word (dscripka/openWakeWord,
 * `utils.py`): mel frames of the new piece, then one embedding of the last 76. Its word network is small in comparison
 * and left out.
 */
export class OpenWakeWordFeatures {
  private readonly sound = new Float32Array(PAST_SAMPLES + STRIDE_SAMPLES);
  private readonly frames = new Float32Array(EMBEDDED_FRAMES * MEL_BANDS);

  private constructor(
    private readonly mel: Model,
    private readonly embedding: Model,
  ) {}

  /** @throws UsherError `model-invalid` if the folder lacks them */
  static async open(dir: string): Promise<OpenWakeWordFeatures> {
    const mel = await loadOnnx(join(dir, OPENWAKEWORD_FILES.mel), CPU_ONE_THREAD);
    return new OpenWakeWordFeatures(mel, await loadOnnx(join(dir, OPENWAKEWORD_FILES.embedding), CPU_ONE_THREAD));
  }

  /** 80 ms of sound, −1 to 1. @returns the embedding */
  async push(piece: Float32Array): Promise<Tensor> {
    this.sound.copyWithin(0, STRIDE_SAMPLES);
    // It expects samples on the scale of 16-bit numbers.
    for (let i = 0; i < STRIDE_SAMPLES; i++) this.sound[PAST_SAMPLES + i] = (piece[i] as number) * 32_768;
    const input = { data: this.sound, dims: [1, this.sound.length] };
    const mel = Object.values(await this.mel.run({ [this.mel.inputs[0] as string]: input }))[0]?.data as Float32Array;
    this.frames.copyWithin(0, mel.length);
    for (let i = 0; i < mel.length; i++) this.frames[this.frames.length - mel.length + i] = (mel[i] as number) / 10 + 2;
    const seen = { data: this.frames, dims: [1, EMBEDDED_FRAMES, MEL_BANDS, 1] };
    const outputs = await this.embedding.run({ [this.embedding.inputs[0] as string]: seen });
    return Object.values(outputs)[0] as Tensor;
  }

  async dispose(): Promise<void> {
    await this.mel.dispose();
    await this.embedding.dispose();
  }
}
