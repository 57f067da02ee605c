import { CPU_ONE_THREAD, type Model } from '../../../inference/model';
import { loadOnnx } from '../../../inference/onnx';
import { MEL_BANDS } from '../../../voice/features/features';
import { type WakeWordNetworks, WakeWordScorer } from '../../../voice/wake-word/wake-word';
import { COMPANION_RULES, exportedInput, exportOnnx, SCORES } from './export';
import type { Network } from '../network/parameters';

/** A network, or several together, as they will be shipped: what is chosen, mined and measured is what is delivered. */
export class Listener {
  private constructor(private readonly networks: WakeWordNetworks) {}

  /** @param members the first listens always, the others are its companions */
  static async of(members: readonly [Network, ...Network[]]): Promise<Listener> {
    const models: Model[] = [];
    for (const network of members) models.push(await loadOnnx(exportOnnx(network), CPU_ONE_THREAD));
    const [first, ...others] = members;
    return new Listener({
      input: exportedInput(first),
      output: SCORES,
      companions: others.length === 0 ? null : { ...COMPANION_RULES, networks: others.map(exportedInput) },
      models: models as [Model, ...Model[]],
    });
  }

  /** Scores of one recording from its begin, [frames, bands] to one for every three frames. */
  async scores(features: Float32Array): Promise<Float32Array> {
    const hearing = this.hear();
    return hearing(features);
  }

  /** Listens on and on: each call's features follow those of the call before. Not to be called before the last one has answered. */
  hear(): (features: Float32Array) => Promise<Float32Array> {
    const scorer = new WakeWordScorer(this.networks);
    return async (features) => {
      const frames = features.length / MEL_BANDS;
      const scores = new Float32Array(scorer.stepsAfter(frames));
      await scorer.push(features, frames, scores);
      return scores;
    };
  }

  async close(): Promise<void> {
    for (const model of this.networks.models) await model.dispose();
  }
}
