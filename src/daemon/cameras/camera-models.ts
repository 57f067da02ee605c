import { resolve } from 'node:path';
import type { Config } from '../../config/schema/schema';
import { UsherError } from '../../errors';
import { readCard } from '../../inference/bundle';
import type { Card } from '../../inference/card';
import type { ComponentHealth } from '../health/health';

/** The models of one camera in addition to detector and encoder. */
export interface CameraModels {
  readonly liveness: string | null;
  readonly scene: string | null;
  /** Labels that its scenes can have. */
  readonly scenes: readonly string[];
}

export interface ExtraModels {
  readonly of: ReadonlyMap<string, CameraModels>;
  /** Models that are configured and not installed. */
  readonly missing: readonly { readonly detail: string; readonly remedy: string }[];
}

/**
 * Chooses the liveness and scene models of the cameras, from the configuration and the installed bundles. A broken
 * bundle is not noticed here: the vision child reports it and ends.
 * @param sceneBundle the folder, if an update brought another one than the installation
 */
export async function chooseCameraModels(
  config: Config,
  modelsDir: string,
  sceneBundle = config.models.scene,
): Promise<ExtraModels> {
  const liveness = await cardOf(modelsDir, config.models.liveness);
  const scene = await cardOf(modelsDir, sceneBundle);
  const missing: { detail: string; remedy: string }[] = [];
  const of = new Map<string, CameraModels>();
  for (const camera of config.cameras) {
    const doors = config.doors.filter((door) => door.camera === camera.id);
    const judged = doors.some((door) => door.liveness.mode !== 'off');
    const watched = camera.scene.mode === 'auto' && scene !== null;
    of.set(camera.id, {
      liveness: judged && liveness !== null ? config.models.liveness : null,
      scene: watched ? sceneBundle : null,
      scenes: watched ? labelsOf(scene) : [],
    });
  }
  if (liveness === null)
    for (const door of config.doors)
      if (door.liveness.mode === 'require')
        missing.push({
          detail: `Door ${door.id} requires liveness but the model ${config.models.liveness} is not installed: no face opens it.`,
          remedy: `Fetch it: usher models pull ${config.models.liveness}`,
        });
  const named = config.cameras.some(
    ({ scene: own }) => Object.keys(own.commands).length > 0 || Object.keys(own.quality).length > 0,
  );
  if (scene === null && (named || config.doors.some(({ scenes }) => Object.keys(scenes).length > 0)))
    missing.push({
      detail: `Scenes are configured, but the model ${config.models.scene} is not installed: the strictest thresholds always apply.`,
      remedy: 'Train one: usher train scene --data DIR',
    });
  return { of, missing };
}

/** Scenes in the configuration that the model does not have. */
export function unknownScenes(config: Config, models: ExtraModels): string[] {
  const faults: string[] = [];
  const check = (where: string, camera: string, names: readonly string[]): void => {
    const known = models.of.get(camera)?.scenes ?? [];
    if (known.length === 0) return;
    for (const name of names)
      if (!known.includes(name)) faults.push(`${where}: no scene "${name}"; the model knows ${known.join(', ')}`);
  };
  for (const { id, scene } of config.cameras)
    check(`camera ${id}`, id, [...Object.keys(scene.commands), ...Object.keys(scene.quality)]);
  for (const { id, camera, scenes } of config.doors) check(`door ${id}`, camera, Object.keys(scenes));
  return faults;
}

/** Adds missing models to the health of the models. */
export function withMissing(health: ComponentHealth, { missing }: ExtraModels): ComponentHealth {
  if (missing.length === 0) return health;
  const join = (own: string | null, all: readonly string[]): string =>
    [...(own === null ? [] : [own]), ...all].join(' ');
  return {
    ...health,
    state: 'degraded',
    detail: join(
      health.detail,
      missing.map(({ detail }) => detail),
    ),
    remedy: join(
      health.remedy,
      missing.map(({ remedy }) => remedy),
    ),
  };
}

/** Scenes that a model can output; empty for a model of another task. */
export function labelsOf({ output }: Card): readonly string[] {
  return output.decoding === 'scene-scores' ? output.labels : [];
}

/** Null if there is no such bundle. */
async function cardOf(modelsDir: string, name: string): Promise<Card | null> {
  try {
    return await readCard(resolve(modelsDir, name));
  } catch (error) {
    if (error instanceof UsherError && error.code === 'model-missing') return null;
    throw error;
  }
}
