import path from 'node:path';
import type { RunningModel } from '../../src/events';
import { openBundle } from '../../src/inference/bundle';
import { imageInputOf } from '../../src/inference/card';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { AlignedFaceEncoder, fixedSizeOf } from '../../src/vision/faces/encoder';
import { FaceApiAligner } from '../../src/vision/faces/face-api-aligner';
import { Landmarks68 } from '../../src/vision/faces/landmarks68';
import { TinyYoloDetector } from '../../src/vision/faces/tiny-yolo';

export interface FallbackSet {
  readonly detector: TinyYoloDetector;
  readonly landmarker: Landmarks68;
  readonly encoder: AlignedFaceEncoder;
}

/** The three bundles of the fallback set, opened from `modelsDir` on the CPU. */
export async function openFallbackSet(modelsDir: string): Promise<FallbackSet> {
  const open = async (name: string) => {
    const { bundle, model } = await openBundle(path.join(modelsDir, name), CPU_ONE_THREAD);
    const { card } = bundle;
    const running: RunningModel = {
      task: card.task,
      name: card.name,
      version: card.version,
      sha256: card.files[card.model] ?? '',
      providersAsked: CPU_ONE_THREAD.providers,
      provider: model.provider,
    };
    return { image: imageInputOf(card), output: card.output, model, running };
  };
  const yolo = await open('tiny-yolo-face');
  const points = await open('landmarks-68');
  const resnet = await open('face-api-resnet');
  if (
    yolo.output.decoding !== 'tiny-yolo-v2' ||
    points.output.decoding !== 'face-api-landmarks-68' ||
    resnet.output.decoding !== 'embedding'
  )
    throw new Error('the fallback set has bundles of other kinds');
  return {
    detector: new TinyYoloDetector(yolo.running, yolo.model, yolo.image, yolo.output),
    landmarker: new Landmarks68(points.running, points.model, points.image, points.output),
    encoder: new AlignedFaceEncoder({
      ...resnet,
      output: resnet.output,
      aligner: new FaceApiAligner(fixedSizeOf(resnet.image, 'face-api-resnet')),
      mirror: resnet.output.mirror,
    }),
  };
}
