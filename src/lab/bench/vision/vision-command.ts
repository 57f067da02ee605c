import { Command } from 'commander';
import { SceneConfig } from '../../../config/schema/scene';
import { CameraConfig } from '../../../config/schema/cameras';
import { UsherError } from '../../../errors';
import { extrasFigures, type ExtrasSample, runExtras } from './extras';
import { BENCH_FACE_PX, BENCH_HEIGHT, BENCH_WIDTH, benchFrames } from './frames';
import { runVisionBench, visionFigures, type VisionPath } from './vision';
import { FaceApiReference } from '../face-api';
import { TimedModel } from '../timed-model';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { modelsDir } from '../../../system/paths';
import { type FaceAnalyser, type AnalyserOptions } from '../../../vision/faces/analyser';
import { LIVENESS_MODEL, loadLiveness } from '../../../vision/liveness/model';
import { LivenessWatch } from '../../../vision/liveness/watch';
import { loadAnalyser, MODEL_SETS } from '../../../vision/faces/load';
import { WHOLE_FRAME } from '../../../vision/faces/quality';
import { loadScene, SCENE_MODEL } from '../../../vision/scene/scene';
import { SceneWatch } from '../../../vision/scene/scene-watch';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly frames: number;
  readonly modelsDir: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

/**
 * What is measured: the recommended set with its fast encoder (one run a face, and two with mirrored averaging), with
 * its accurate one, and the fallback set.
 */
const { detector } = MODEL_SETS.recommended;
const FAST_ENCODER = 'mobilefacenet';
const PATHS = [
  { name: 'recommended', models: { detector, encoder: FAST_ENCODER }, mirror: false },
  { name: 'recommended_mirrored', models: { detector, encoder: FAST_ENCODER }, mirror: true },
  { name: 'mbf', models: MODEL_SETS.recommended, mirror: false },
  { name: 'mbf_mirrored', models: MODEL_SETS.recommended, mirror: true },
  { name: 'fallback', models: MODEL_SETS.fallback, mirror: false },
] as const;

const [SMALLEST_FACE_PX] = BENCH_FACE_PX;
const WARM_UP = 3;
const VISITS = 3;

/** All faces pass: a refused face is not encoded and would make the path look fast. */
const OPEN_GATES: AnalyserOptions['gates'] = {
  ...CameraConfig.shape.quality.parse(undefined),
  minSharpness: 0,
  minBrightness: 0,
  maxBrightness: 255,
  minContrast: 0,
  maxYaw: 1,
  maxPitch: 1,
  maxRollDeg: 180,
};

export function benchVisionCommand(): Command {
  return new Command('vision')
    .description(
      'measure the time from a 1280×720 RGB frame with one face to its vector, compared with face-api on tfjs-wasm',
    )
    .option('--frames <n>', 'frames', wholeNumber, 30)
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(benchVision);
}

async function benchVision(options: Options): Promise<void> {
  const progress = createProgress();
  const paths: (VisionPath & { readonly analyser: FaceAnalyser })[] = [];
  try {
    progress.update('loading', 0);
    for (const path of PATHS) paths.push(await openPath(path, options.modelsDir));
    const faceApi = new FaceApiReference();
    await faceApi.load();
    const [first] = paths;
    if (first === undefined) return;
    const frames = await benchFrames(first.analyser, options.frames + WARM_UP);
    const sizes = await detectionSizes(paths, frames[0]?.frame);
    // face-api finds the same 80 px only at the detection size of the fallback set, which is the same network.
    const inputSize = Math.max(...(sizes['fallback'] ?? []));
    const samples = await runVisionBench(
      frames,
      paths,
      { faceApi, inputSize },
      {
        warmUp: WARM_UP,
        onProgress: (share) => progress.update('frames', share),
      },
    );
    const extras = await costOfExtras(options.modelsDir, frames, paths, (share) =>
      progress.update('liveness, scene', share),
    );
    progress.done();
    const names = paths.map(({ name }) => name);
    const detection = { ...sizes, face_api: [inputSize, inputSize] };
    const frame = { width: BENCH_WIDTH, height: BENCH_HEIGHT, facePx: BENCH_FACE_PX };
    printFigures([...visionFigures(samples, names), ...extrasFigures(extras)], {
      json: options.json === true,
      require: options.require === true,
      more: { detection, frame, samples: samples.length },
    });
    if (options.json !== true)
      for (const [name, [width, height]] of Object.entries(detection))
        process.stdout.write(`detection size of ${name}: ${width ?? '?'}×${height ?? '?'}\n`);
  } finally {
    progress.done();
    for (const { analyser } of paths) await analyser.dispose();
  }
}

async function openPath({ name, models, mirror }: (typeof PATHS)[number], modelsFolder: string) {
  const timed: TimedModel[] = [];
  const analyser = await loadAnalyser({
    modelsDir: modelsFolder,
    models,
    execution: CPU_ONE_THREAD,
    mirror,
    region: WHOLE_FRAME,
    minFacePx: SMALLEST_FACE_PX,
    gates: OPEN_GATES,
    wrapModel: (model) => {
      const watched = new TimedModel(model);
      timed.push(watched);
      return watched;
    },
  });
  return { name, analyser, models: timed };
}

/** With the accurate encoder, the default. Null if one of the two models is not installed. */
async function costOfExtras(
  modelsFolder: string,
  frames: Parameters<typeof runExtras>[0],
  paths: readonly { readonly name: string; readonly analyser: FaceAnalyser }[],
  onProgress: (share: number) => void,
): Promise<ExtrasSample[]> {
  const analyser = paths.find(({ name }) => name === 'mbf')?.analyser;
  if (analyser === undefined) return [];
  const opened: { dispose(): Promise<void> }[] = [];
  try {
    const liveness = new LivenessWatch(await loadLiveness(modelsFolder, LIVENESS_MODEL, CPU_ONE_THREAD));
    opened.push(liveness);
    const classifier = await loadScene(modelsFolder, SCENE_MODEL, CPU_ONE_THREAD);
    opened.push(classifier);
    const scene = new SceneWatch('bench', classifier, SceneConfig.parse(undefined));
    return await runExtras(frames, analyser, liveness, scene, VISITS, onProgress);
  } catch (error) {
    if (error instanceof UsherError && error.code === 'model-missing') return [];
    throw error;
  } finally {
    for (const one of opened) await one.dispose();
  }
}

/** Width and height of each detector's input for frames of this size. */
async function detectionSizes(
  paths: readonly VisionPath[],
  frame: Parameters<FaceAnalyser['live']>[0] | undefined,
): Promise<Record<string, number[]>> {
  const sizes: Record<string, number[]> = {};
  for (const { name, analyser, models } of paths) {
    if (frame !== undefined) await analyser.live(frame);
    const [, , height = 0, width = 0] = models[0]?.inputDims ?? [];
    sizes[name] = [width, height];
  }
  return sizes;
}
