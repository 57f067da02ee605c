import { CPU_ONE_THREAD, type Model } from '../../../inference/model';
import { loadScene, type SceneClassifier } from '../../../vision/scene/scene';
import { TimedModel } from '../../bench/timed-model';

/** A scene model whose network's own time is known. @throws UsherError `model-missing`, `model-invalid` */
export async function loadTimedScene(
  modelsDir: string,
  bundle: string,
): Promise<{ readonly classifier: SceneClassifier; readonly network: TimedModel | undefined }> {
  let network: TimedModel | undefined;
  const wrap = (model: Model): Model => (network = new TimedModel(model));
  const classifier = await loadScene(modelsDir, bundle, CPU_ONE_THREAD, wrap);
  return { classifier, network };
}
