import { joinFloats } from '../evaluation/float32';
import { CPU_ONE_THREAD, type Model, type Tensor, type Tensors } from '../inference/model';
import { loadOnnx } from '../inference/onnx';
import { MEL_BANDS } from '../voice/features';
import { exportedInput, exportOnnx, SCORES } from './export';
import { type Network, STRIDE_FRAMES } from './parameters';

/** The network, or the mean of several, as it will be shipped: what is chosen, mined and measured is what is delivered. */
export class Listener {
  private constructor(
    private readonly model: Model,
    private readonly zeros: Tensors,
  ) {}

  static async of(members: readonly Network[]): Promise<Listener> {
    const states = exportedInput(members).states.map(({ input, dims }) => [
      input,
      { data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims },
    ]);
    return new Listener(await loadOnnx(exportOnnx(members), CPU_ONE_THREAD), Object.fromEntries(states) as Tensors);
  }

  /** Scores of one recording from its begin, [frames, bands] to one for every three frames. */
  async scores(features: Float32Array): Promise<Float32Array> {
    const hearing = this.hear();
    return hearing(features);
  }

  /** Listens on and on: each call's features follow those of the call before. Not to be called before the last one has answered. */
  hear(): (features: Float32Array) => Promise<Float32Array> {
    let states: Record<string, Tensor> = { ...this.zeros };
    let rest = new Float32Array(0);
    return async (features) => {
      const all = rest.length === 0 ? features : joinFloats([rest, features]);
      const frames = Math.floor(all.length / MEL_BANDS / STRIDE_FRAMES) * STRIDE_FRAMES;
      const used = frames * MEL_BANDS;
      rest = all.slice(used);
      if (frames === 0) return new Float32Array(0);
      const input = { data: all.subarray(0, used), dims: [1, frames, MEL_BANDS] };
      const outputs = await this.model.run({ ...states, features: input });
      states = Object.fromEntries(Object.keys(states).map((name) => [name, outputs[`${name}_next`] as Tensor]));
      return Float32Array.from((outputs[SCORES] as Tensor<Float32Array>).data);
    };
  }

  async close(): Promise<void> {
    await this.model.dispose();
  }
}
