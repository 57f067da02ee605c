import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { messageOf, UsherError } from '../../errors';
import { imageInputOf } from '../../inference/card';
import { type NewBundle, writeBundle } from '../write';
import { landmarksCard, resnetCard, tinyYoloCard } from './cards';
import { goldenInput } from './golden';
import { LANDMARKS_FILES, landmarksGraph } from './landmarks-68';
import { RESNET_FILES, resnetGraph } from './resnet';
import { TINY_YOLO_FILES, tinyYoloGraph } from './tiny-yolo-face';
import { readWeights } from './weights';

const PACKAGE = '@vladmandic/face-api';
/** Side of the detector's golden input: enough for several cells, small enough to keep. */
const DETECTOR_GOLDEN_PX = 160;

export interface BuildOptions {
  /** Folder with the package's `*_model.bin` and manifests; default: that of the installed package. */
  readonly weightsDir?: string;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface BuildProgress {
  readonly done: number;
  readonly total: number;
  /** The bundle just written; null at the start. */
  readonly bundle: string | null;
}

/**
 * Turns the weight files of the npm package `@vladmandic/face-api` into the fallback set of bundles under `modelsDir`:
 * `tiny-yolo-face`, `landmarks-68`, `face-api-resnet`. Every weight file is read and checked before the first bundle is
 * written, and each bundle appears whole or not at all.
 *
 * @returns the names of the bundles.
 * @throws UsherError model-missing, model-invalid, file-unreadable (a weight file), or what `writeBundle` throws.
 */
export async function buildFallbackSet(modelsDir: string, options: BuildOptions = {}): Promise<string[]> {
  const weightsDir = options.weightsDir ?? installedWeights();
  const bundles = await assemble(weightsDir, await sourceOf(weightsDir));
  const report = (done: number, bundle: string | null): void =>
    options.onProgress?.({ done, total: bundles.length, bundle });
  report(0, null);
  for (const [index, bundle] of bundles.entries()) {
    await writeBundle(modelsDir, bundle);
    report(index + 1, bundle.card.name);
  }
  return bundles.map(({ card }) => card.name);
}

async function assemble(weightsDir: string, source: string): Promise<NewBundle[]> {
  const recipes = [
    { files: TINY_YOLO_FILES, graph: tinyYoloGraph, card: tinyYoloCard(source) },
    { files: LANDMARKS_FILES, graph: landmarksGraph, card: landmarksCard(source) },
    { files: RESNET_FILES, graph: resnetGraph, card: resnetCard(source) },
  ];
  const bundles: NewBundle[] = [];
  for (const { files, graph, card } of recipes) {
    const image = imageInputOf(card);
    const width = image.width ?? DETECTOR_GOLDEN_PX;
    const height = image.height ?? DETECTOR_GOLDEN_PX;
    bundles.push({
      card,
      modelBytes: graph(await readWeights(weightsDir, files)),
      goldenInput: goldenInput(image, width, height),
    });
  }
  return bundles;
}

function installedWeights(): string {
  try {
    return path.join(path.dirname(require.resolve(`${PACKAGE}/package.json`)), 'model');
  } catch (error) {
    throw new UsherError('dependency-missing', `the npm package ${PACKAGE} is not installed: ${messageOf(error)}`, {
      remedy:
        'A device does not have it. Run scripts/setup in a checkout of usher, and copy tiny-yolo-face, landmarks-68 and face-api-resnet from its models folder.',
      cause: error,
    });
  }
}

/** Package and version for the card. The weights themselves are pinned by digest, so a bare folder of them will do. */
async function sourceOf(weightsDir: string): Promise<string> {
  const text = await readFile(path.join(weightsDir, '..', 'package.json'), 'utf8').catch(() => '{}');
  const about = z.object({ name: z.literal(PACKAGE), version: z.string() }).safeParse(parseJson(text));
  return about.success ? `${PACKAGE} ${about.data.version} (npm)` : `${PACKAGE} (npm)`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
