import { z } from 'zod';
import { DOOR_PHASES, type DoorKeeper, type DoorPhase } from '../../access/door/door-keeper';
import type { Config } from '../../config/schema/schema';
import type { CommandRegistry } from '../../mqtt/requests/commands';
import type { MqttClient } from '../../mqtt/client/client';
import { discoveryOf, platformsOf, withRemoved } from '../../mqtt/topics/discovery';
import { COMMAND_LIMITS } from '../../mqtt/topics/limits';
import { packageVersion } from '../../system/paths';
import { componentsOf } from './box-topics';
import type { ExtraModels } from '../cameras/camera-models';
import type { Cameras } from '../cameras/cameras';
import type { Doors } from '../doors/doors';
import type { HealthBoard } from '../health/health';
import type { RetainedFile } from '../broker/retained-memory';
import type { Voices } from '../microphones/voices';

export interface BoxParts {
  readonly bootId: string;
  readonly doors: Doors;
  readonly cameras: Cameras;
  readonly voices: Voices;
  readonly health: HealthBoard;
  readonly monotonicMs: () => number;
}

/** Commands to the box itself: its condition, and restarts of its parts. */
export function registerBoxCommands(commands: CommandRegistry, parts: BoxParts): void {
  const { bootId, doors, cameras, voices, health, monotonicMs } = parts;
  const nothing = z.strictObject({});
  commands.onCommand('ping', nothing, () => ({ bootId, version: packageVersion() }));
  commands.onCommand('status', nothing, () => ({
    doors: doors.all.map((keeper) => ({ id: keeper.door.id, phase: keeper.phase(monotonicMs()) })),
    cameras: [...cameras.counts],
    microphones: [...voices.counts],
    health: Object.fromEntries([...health.entries()].map(([name, { state, detail }]) => [name, { state, detail }])),
  }));
  commands.onCommand(
    'reload-members',
    nothing,
    () => {
      doors.refresh();
      return { store: health.get('store').state };
    },
    { limit: COMMAND_LIMITS.reload, notNow: () => deciding(doors.all, monotonicMs()) },
  );
  commands.onCommand(
    'restart-camera',
    z.strictObject({ camera: z.string() }),
    ({ camera }) => {
      cameras.restart(camera);
      return { camera };
    },
    {
      limit: COMMAND_LIMITS.restart,
      limitFor: ({ camera }) => known(cameras, camera),
      notNow: ({ camera }) =>
        deciding(
          doors.all.filter(({ door }) => door.camera === camera),
          monotonicMs(),
        ),
    },
  );
  commands.onCommand(
    'restart-microphone',
    z.strictObject({ microphone: z.string() }),
    ({ microphone }) => {
      voices.restart(microphone);
      return { microphone };
    },
    { limit: COMMAND_LIMITS.restart, limitFor: ({ microphone }) => known(voices, microphone) },
  );
}

/** All unknown names share one limit. */
function known({ counts }: Pick<Cameras | Voices, 'counts'>, name: string): string {
  return counts.some(({ id }) => id === name) ? name : '';
}

/** While a person waits at a door, its camera and readers are not interrupted. */
function deciding(doors: readonly DoorKeeper[], now: number): string | null {
  const busy = doors.find((keeper) => DECIDING.has(keeper.phase(now)));
  return busy === undefined ? null : `the door ${busy.door.id} is deciding about a person: try again in 10 s`;
}

const DECIDING: ReadonlySet<DoorPhase> = new Set(['awaiting-face', 'identifying']);

/** Announces the box to Home Assistant, or removes it there; `memory`: what was announced before. */
export function announceBox(
  mqtt: Pick<MqttClient, 'publish' | 'clear'>,
  config: Config,
  extra: ExtraModels,
  memory: Pick<RetainedFile, 'components' | 'rememberComponents'>,
): void {
  if (!config.mqtt.discovery) {
    mqtt.clear('discovery', {});
    memory.rememberComponents({});
    return;
  }
  const payload = withRemoved(boxDiscovery(config, extra), memory.components);
  mqtt.publish('discovery', {}, payload);
  memory.rememberComponents(platformsOf(payload));
}

function boxDiscovery(config: Config, extra: ExtraModels): ReturnType<typeof discoveryOf> {
  const { device, mqtt, doors, cameras, microphones, visitors, contacts } = config;
  return discoveryOf({
    base: { site: device.site, device: device.id, discoveryPrefix: mqtt.discoveryPrefix },
    version: packageVersion(),
    doors: doors.map(({ id }) => ({ id, contact: contacts.some(({ door }) => door === id) })),
    cameras: cameras.map(({ id }) => ({ id, scenes: extra.of.get(id)?.scenes ?? [] })),
    microphones,
    doorStates: DOOR_PHASES,
    visitors: visitors.enabled,
    components: componentsOf(config),
  });
}
