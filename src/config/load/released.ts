import { z } from 'zod';
import { UsherError } from '../../errors';
import { rateFaults } from '../references/camera-rate';
import { freeze, parseWith } from './parse';
import { Sensitivity } from '../schema/microphones';
import { referenceFaults } from '../references/references';
import { type Config, ConfigSchema } from '../schema/schema';

/** `*` stands for all of them; an explicit name has priority. */
const named = <S extends z.ZodType>(settings: S) =>
  z.record(z.string().regex(/^(\*|[a-z0-9][a-z0-9_-]{0,62})$/, 'an id, or * for all'), settings).default({});

/**
 * What a fleet may change in the configuration of a box, closed. Nothing in it can open a door, blind a camera or cut a box off:
 * no key, address, actuator, reader, right or time, no quality gate; and of a door only what makes it stricter.
 */
export const ReleasedConfig = z
  .strictObject({
    log: z.strictObject({ level: z.enum(['error', 'warn', 'info', 'debug']) }).optional(),
    health: z.strictObject({ everySeconds: z.number().min(1).max(60) }).optional(),
    fleet: z.strictObject({ maxKbitPerSecond: z.number().int().min(64).max(1_000_000) }).optional(),
    cameras: named(
      z.strictObject({
        fps: z.number().min(5).max(30).optional(),
        scene: z
          .strictObject({
            everyMs: z.number().int().min(1000).max(600_000).optional(),
            settle: z.number().int().min(1).max(20).optional(),
          })
          .optional(),
      }),
    ),
    doors: named(
      z.strictObject({
        targetFmr: z.number().min(1e-6).max(0.01).optional(),
        // A window with fewer frames than votes would admit no one.
        votes: z.number().int().min(1).max(5).optional(),
        margin: z.number().min(0).max(0.2).optional(),
      }),
    ),
    microphones: named(
      z.strictObject({
        sensitivity: Sensitivity.optional(),
        refractoryMs: z.number().int().min(500).max(10_000).optional(),
      }),
    ),
  })
  .refine((released) => JSON.stringify(released) !== EMPTY, 'nothing is changed');
export type ReleasedConfig = z.infer<typeof ReleasedConfig>;
const EMPTY = JSON.stringify({ cameras: {}, doors: {}, microphones: {} });

/** @throws UsherError `config-invalid` naming every bad key */
export function parseReleased(text: string, name: string): ReleasedConfig {
  return parseWith(ReleasedConfig, text, name, {
    faultsOf: () => [],
    explained: 'docs/reference/releases.md: what a fleet may change in the configuration of a box',
  });
}

/**
 * The operator's configuration with what the fleet changes in it, checked as a whole. Of a door's own value and the released one the
 * stricter counts.
 * @throws UsherError `config-invalid`
 */
export function withReleased(config: Config, released: ReleasedConfig): Config {
  requireKnown('cameras', released.cameras, config.cameras);
  requireKnown('doors', released.doors, config.doors);
  requireKnown('microphones', released.microphones, config.microphones);
  const changed = {
    ...config,
    log: { ...config.log, ...released.log },
    health: { ...config.health, ...released.health },
    fleet: { ...config.fleet, ...released.fleet },
    cameras: config.cameras.map((camera) => {
      const { scene, ...rest } = settingsOf(released.cameras, camera.id);
      return { ...camera, ...rest, scene: { ...camera.scene, ...scene } };
    }),
    doors: config.doors.map((door) => {
      const { targetFmr = Infinity, votes = 0, margin = 0 } = settingsOf(released.doors, door.id);
      const scenes = Object.entries(door.scenes).map(([scene, own]) => [
        scene,
        { targetFmr: Math.min(own.targetFmr, targetFmr) },
      ]);
      return {
        ...door,
        targetFmr: Math.min(door.targetFmr, targetFmr),
        votes: Math.max(door.votes, votes),
        margin: Math.max(door.margin, margin),
        scenes: Object.fromEntries(scenes) as object,
      };
    }),
    microphones: config.microphones.map((microphone) => ({
      ...microphone,
      words: microphone.words.map((word) => ({ ...word, ...settingsOf(released.microphones, microphone.id) })),
    })),
  };
  const result = ConfigSchema.safeParse(changed);
  const faults = [
    ...(result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...[...referenceFaults(changed), ...rateFaults(changed)].map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    ),
  ];
  if (!result.success || faults.length > 0)
    throw new UsherError('config-invalid', `it does not fit this box: ${faults.join('; ')}`);
  return freeze(result.data);
}

function settingsOf<S extends object>(released: Readonly<Record<string, S>>, id: string): Partial<S> {
  return { ...released['*'], ...released[id] };
}

/** A misspelt name would silently change nothing. */
function requireKnown(key: string, released: object, own: readonly { readonly id: string }[]): void {
  const strange = Object.keys(released).filter((name) => name !== '*' && !own.some(({ id }) => id === name));
  if (strange.length === 0) return;
  const known = own.map(({ id }) => id).join(', ') || 'none';
  throw new UsherError('config-invalid', `${key}: this box has no ${strange.join(', ')}; it has: ${known}`);
}
