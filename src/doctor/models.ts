import { fork } from 'node:child_process';
import { basename, join } from 'node:path';
import { installedModels } from '../fleet/update/installed';
import { listBundles, readBundle } from '../inference/bundle';
import { packageRoot } from '../system/paths';
import { chooseModels, type LoadOptions, MODEL_SETS } from '../vision/faces/load';
import { type Examination, fail, failedBecause, type Finding, ok, warn } from './finding';
import type { ModelsAnswer } from './models-child';

/** The first load with TensorRT builds an engine, which takes minutes. The daemon waits for it, doctor does not. */
const LOAD_MS = 180_000;
const ENSURE = 'Run: usher models ensure';

/** Checks the face models: digests, golden vectors, execution provider. */
export const examineModels: Examination = async (patient) => {
  const { config, dataDir, modelsDir } = patient.loaded;
  const bundles = await digests(modelsDir);
  if (config.cameras.length === 0) return [...bundles, ok('models:set', 'no camera, so no face models are needed')];
  let chosen;
  try {
    chosen = await chooseModels(modelsDir, { ...config.models, ...(await installedModels(dataDir)) });
  } catch (error) {
    return [...bundles, failedBecause('models:set', error, ENSURE)];
  }
  const names = `detector ${chosen.detector}, encoder ${chosen.encoder}`;
  const fallback = chosen.encoder === MODEL_SETS.fallback.encoder;
  const set = fallback
    ? warn(
        'models:set',
        `${names}: the fallback set. On LFW it misses 11 % of the members at a false-match rate of 1e-3 and 38 % at 1e-4; the recommended set misses 0.56 % and 0.99 %`,
        'Fetch the recommended models: usher models pull',
      )
    : ok('models:set', names);
  const camera = config.cameras[0];
  if (camera === undefined) return [...bundles, set];
  const options: LoadOptions = {
    modelsDir,
    models: chosen,
    execution: config.inference,
    mirror: config.inference.mirror,
    region: camera.region,
    minFacePx: camera.minFacePx,
    gates: camera.quality,
  };
  return [...bundles, set, ...(await granted(options))];
};

async function digests(modelsDir: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const dir of await listBundles(modelsDir)) {
    const check = `bundle:${basename(dir)}`;
    try {
      const { card } = await readBundle(dir);
      findings.push(ok(check, `${card.version}, ${Object.keys(card.files).length} files match its card`));
    } catch (error) {
      findings.push(failedBecause(check, error, ENSURE));
    }
  }
  return findings;
}

async function granted(options: LoadOptions): Promise<Finding[]> {
  const answer = await load(options);
  if (!answer.ok) return [fail('models:load', answer.message, answer.remedy ?? ENSURE)];
  const loaded = ok(
    'models:load',
    `loaded and checked against their golden vectors in ${Math.round(answer.loadMs)} ms`,
  );
  return [
    loaded,
    ...answer.models.map(({ name, provider, providersAsked }) => {
      const [wanted] = providersAsked;
      const text = `${providersAsked.join(', ')} configured, but it runs on ${provider}`;
      return wanted === provider
        ? ok(`provider:${name}`, text)
        : warn(
            `provider:${name}`,
            text,
            'Install the GPU libraries that onnxruntime needs (its npm package has none for linux/arm64), or set inference.providers to what is available.',
          );
    }),
  ];
}

function load(options: LoadOptions): Promise<ModelsAnswer> {
  return new Promise((resolve) => {
    const child = fork(join(packageRoot(), 'dist', 'doctor', 'models-child.js'), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    let complained = '';
    child.stderr?.on('data', (chunk: Buffer) => (complained = (complained + chunk.toString()).slice(-500)));
    const give = (answer: ModelsAnswer): void => {
      clearTimeout(late);
      resolve(answer);
    };
    const refusal = (message: string): ModelsAnswer => ({ ok: false, message, remedy: null });
    const late = setTimeout(() => {
      give(refusal(`the models were not loaded within ${LOAD_MS / 1000} s (TensorRT may still be building an engine)`));
      child.kill('SIGKILL');
    }, LOAD_MS);
    child.once('message', (answer) => give(answer as ModelsAnswer));
    child.once('error', (error) => give(refusal(error.message)));
    child.once('exit', (code, signal) => {
      const last = complained.trim().split('\n').at(-1) ?? '';
      give(refusal(`the loading process ended with ${signal ?? `exit code ${code ?? 'unknown'}`} ${last}`.trim()));
    });
    child.send(options);
  });
}
