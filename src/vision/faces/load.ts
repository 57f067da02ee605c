import { resolve } from 'node:path';
import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import { type Bundle, openBundle, readCard } from '../../inference/bundle';
import { type Card, type CardOutput, imageInputOf } from '../../inference/card';
import type { ExecutionOptions, Model } from '../../inference/model';
import { modelsDir as ownModels } from '../../system/paths';
import { type AnalyserOptions, FaceAnalyser } from './analyser';
import { AlignedFaceEncoder, fixedSizeOf } from './encoder';
import { FaceApiAligner } from './face-api-aligner';
import type { FaceAligner, FaceDetector, FaceEncoder, FaceLandmarker } from './faces';
import { FivePointAligner } from './five-point-aligner';
import { Landmarks68 } from './landmarks68';
import { TinyYoloDetector } from './tiny-yolo';
import { YuNetDetector } from './yunet';

/** Bundles of each set, by name. Where a name stands, an absolute folder may stand too: a bundle that a release has brought. */
export const MODEL_SETS = {
  recommended: { detector: 'yunet-n', encoder: 'mbf' },
  fallback: { detector: 'tiny-yolo-face', encoder: 'face-api-resnet' },
} as const;
export type ModelSet = keyof typeof MODEL_SETS;

/** The landmark network for detectors that find none. */
const LANDMARKER = 'landmarks-68';

export interface ModelSelection {
  readonly set: 'auto' | ModelSet;
  readonly detector?: string | undefined;
  readonly encoder?: string | undefined;
}

export interface ChosenModels {
  /** The set that was taken; `auto` has become one of the two. */
  readonly set: ModelSet;
  readonly detector: string;
  readonly encoder: string;
}

/**
 * Decides which bundles to run. `auto` takes the recommended set where its two cards can be read, else the fallback.
 * @throws UsherError `model-missing` when neither set is there
 */
export async function chooseModels(modelsDir: string, selection: ModelSelection): Promise<ChosenModels> {
  const set = selection.set === 'auto' ? await installedSet(modelsDir) : selection.set;
  return {
    set,
    detector: selection.detector ?? MODEL_SETS[set].detector,
    encoder: selection.encoder ?? MODEL_SETS[set].encoder,
  };
}

async function installedSet(modelsDir: string): Promise<ModelSet> {
  for (const set of ['recommended', 'fallback'] as const) {
    const present = await Promise.all(
      [MODEL_SETS[set].detector, MODEL_SETS[set].encoder].map((name) =>
        readCard(resolve(modelsDir, name)).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (present.every(Boolean)) return set;
  }
  throw new UsherError('model-missing', `${modelsDir} holds neither the recommended nor the fallback face models`, {
    remedy:
      modelsDir === ownModels()
        ? 'Run: usher models ensure'
        : `usher's own models are in ${ownModels()}: set models.dir of the configuration to that, or put bundles into ${modelsDir}`,
  });
}

/** Encoder facts that the door logic needs without loading a network. */
export async function readEncoderCard(
  modelsDir: string,
  name: string,
): Promise<{ card: Card; output: CardOutput<'embedding'> }> {
  const card = await readCard(resolve(modelsDir, name));
  return { card, output: outputOf(card, 'embedding') };
}

export interface LoadOptions extends AnalyserOptions {
  readonly modelsDir: string;
  readonly models: { readonly detector: string; readonly encoder: string };
  readonly execution: ExecutionOptions;
  /** Encode the mirrored face too; undefined: as the card says. */
  readonly mirror?: boolean | undefined;
  /** Put around each network as it is opened; the benchmark measures the bare runs so. */
  readonly wrapModel?: ((model: Model, name: string) => Model) | undefined;
  /** Put around the detector; evaluations that say themselves where a face is. */
  readonly wrapDetector?: ((detector: FaceDetector) => FaceDetector) | undefined;
}

/** Opens the bundles (digests and golden vectors checked) and puts the analyser together. */
export async function loadAnalyser(options: LoadOptions): Promise<FaceAnalyser> {
  const detector = await loadDetector(options);
  const landmarker = detector.landmarker ? await loadLandmarker(options) : null;
  const encoder = await loadEncoder(options);
  const found = options.wrapDetector?.(detector.detector) ?? detector.detector;
  return new FaceAnalyser(found, landmarker, encoder, options);
}

interface Opened {
  readonly bundle: Bundle;
  readonly model: Model;
  readonly running: RunningModel;
}

async function open(options: LoadOptions, name: string, task: Card['task']): Promise<Opened> {
  const { modelsDir, execution, wrapModel } = options;
  const dir = resolve(modelsDir, name);
  const card = await readCard(dir);
  if (card.task !== task)
    throw new UsherError('model-invalid', `${dir} is a ${card.task} model, here a ${task} model is needed`, {
      remedy: 'Correct models.detector or models.encoder in the configuration',
    });
  const { bundle, model: bare } = await openBundle(dir, execution);
  const model = wrapModel === undefined ? bare : wrapModel(bare, name);
  const running: RunningModel = {
    task,
    name: bundle.card.name,
    version: bundle.card.version,
    sha256: bundle.card.files[bundle.card.model] ?? '',
    providersAsked: execution.providers,
    provider: model.provider,
  };
  return { bundle, model, running };
}

async function loadDetector(options: LoadOptions): Promise<{ detector: FaceDetector; landmarker: boolean }> {
  const { bundle, model, running } = await open(options, options.models.detector, 'face-detection');
  const { output } = bundle.card;
  const input = imageInputOf(bundle.card);
  if (output.decoding === 'yunet')
    return { detector: new YuNetDetector(running, model, input, output), landmarker: false };
  return {
    detector: new TinyYoloDetector(running, model, input, outputOf(bundle.card, 'tiny-yolo-v2')),
    landmarker: true,
  };
}

async function loadLandmarker(options: LoadOptions): Promise<FaceLandmarker> {
  const { bundle, model, running } = await open(options, LANDMARKER, 'face-landmarks');
  return new Landmarks68(running, model, imageInputOf(bundle.card), outputOf(bundle.card, 'face-api-landmarks-68'));
}

async function loadEncoder(options: LoadOptions): Promise<FaceEncoder> {
  const { bundle, model, running } = await open(options, options.models.encoder, 'face-encoding');
  const output = outputOf(bundle.card, 'embedding');
  const { alignment } = bundle.card;
  const image = imageInputOf(bundle.card);
  if (alignment === null)
    throw new UsherError('model-invalid', `${bundle.dir}: an encoder's card must name its alignment`);
  const aligner = alignerOf(alignment, fixedSizeOf(image, running.name));
  return new AlignedFaceEncoder({ running, model, image, output, aligner, mirror: options.mirror ?? output.mirror });
}

function alignerOf(alignment: NonNullable<Card['alignment']>, size: { width: number; height: number }): FaceAligner {
  switch (alignment.kind) {
    case 'five-point':
      return new FivePointAligner(alignment, size);
    case 'face-api-box':
      return new FaceApiAligner(size);
  }
}

function outputOf<D extends Card['output']['decoding']>(card: Card, decoding: D): CardOutput<D> {
  if (card.output.decoding !== decoding)
    throw new UsherError(
      'model-invalid',
      `${card.name}: output decoding is ${card.output.decoding}, expected ${decoding}`,
    );
  return card.output as CardOutput<D>;
}
