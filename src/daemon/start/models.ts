import { Roster } from '../../access/members/roster';
import { installedModels, installedScene, installedWords } from '../../fleet/update/installed';
import type { CardOutput } from '../../inference/card';
import type { Store } from '../../store/store';
import { type ChosenModels, chooseModels, readEncoderCard } from '../../vision/faces/load';
import { chooseCameraModels, type ExtraModels, unknownScenes } from '../cameras/camera-models';
import { wordBundles } from '../microphones/voices';
import type { Site } from './site';

type FaceNames = Omit<ChosenModels, 'set'> & { readonly set: ChosenModels['set'] | null };
type EncoderOutput = Pick<CardOutput<'embedding'>, 'space' | 'dimensions' | 'normalise' | 'thresholds'>;

interface FaceModels {
  /** The installed models. */
  readonly factory: FaceNames;
  /** The models that run: from updates, else the installed ones. */
  readonly models: FaceNames;
  readonly output: EncoderOutput;
}

export interface RunningModels extends FaceModels {
  readonly extra: ExtraModels;
  readonly sceneBundle: string;
  readonly words: Awaited<ReturnType<typeof installedWords>>;
}

/** For a box without cameras. */
const NO_FACES: FaceModels = {
  factory: { set: null, detector: '', encoder: '' },
  models: { set: null, detector: '', encoder: '' },
  output: { space: 'none', dimensions: 1, normalise: true, thresholds: [] },
};

/**
 * Phase 2: chooses the models that run.
 * @throws UsherError `model-missing`, `model-invalid`
 */
export async function chooseRunningModels({ loaded, log }: Site): Promise<RunningModels> {
  const { config, dataDir, modelsDir } = loaded;
  const warn = (channel: string, why: string): void => log.error('an updated version was skipped', { channel, why });

  const faces = async (): Promise<FaceModels> => {
    const factory = await chooseModels(modelsDir, config.models);
    const models = { ...factory, ...(await installedModels(dataDir, warn)) };
    const { output } = await readEncoderCard(modelsDir, models.encoder);
    return { factory, models, output };
  };
  const chosen = config.cameras.length === 0 ? NO_FACES : await faces();
  const sceneBundle = (await installedScene(dataDir, warn)) ?? config.models.scene;
  const extra = await chooseCameraModels(config, modelsDir, sceneBundle);
  for (const fault of unknownScenes(config, extra)) log.warn(fault);
  const words = await installedWords(dataDir, wordBundles(config), warn);
  return { ...chosen, extra, sceneBundle, words };
}

/** The members in the space of the encoder that runs. */
export function loadRoster({ log }: Site, store: Store, { models, output }: RunningModels): Roster {
  const roster = new Roster(store, output);
  roster.load();
  roster.inspect();
  log.info('members loaded', { members: roster.size, space: output.space });
  const lost = roster.withoutTemplate();
  if (models.set !== null && lost > 0)
    log.warn('members without a picture for this encoder: enrol them again', {
      members: lost,
      encoder: models.encoder,
    });
  return roster;
}
