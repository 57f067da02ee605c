import { z } from 'zod';
import { DOOR_PHASES } from '../access/keeper';
import type { Config } from '../config/schema';
import type { CommandRegistry } from '../mqtt/commands';
import { discoveryOf } from '../mqtt/discovery';
import { packageVersion } from '../system/paths';
import type { ExtraModels } from './camera-models';
import type { Cameras } from './cameras';
import type { Doors } from './doors';
import { COMPONENTS, type HealthBoard } from './health';
import type { Voices } from './voices';

export interface BoxParts {
  readonly bootId: string;
  readonly doors: Doors;
  readonly cameras: Cameras;
  readonly voices: Voices;
  readonly health: HealthBoard;
  readonly monotonicMs: () => number;
}

/** The commands that are to the box itself: how it is, and what may be begun anew. */
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
  commands.onCommand('reload-members', nothing, () => {
    doors.refresh();
    return { store: health.get('store').state };
  });
  commands.onCommand('restart-camera', z.strictObject({ camera: z.string() }), ({ camera }) => {
    cameras.restart(camera);
    return { camera };
  });
  commands.onCommand('restart-microphone', z.strictObject({ microphone: z.string() }), ({ microphone }) => {
    voices.restart(microphone);
    return { microphone };
  });
}

/** What Home Assistant is told of the box. */
export function boxDiscovery(config: Config, extra: ExtraModels): ReturnType<typeof discoveryOf> {
  const { device, mqtt, doors, cameras, microphones, visitors, wyoming, stills, readers, contacts } = config;
  return discoveryOf({
    base: { site: device.site, device: device.id, discoveryPrefix: mqtt.discoveryPrefix },
    version: packageVersion(),
    doors,
    cameras: cameras.map(({ id }) => ({ id, scenes: extra.of.get(id)?.scenes ?? [] })),
    microphones,
    doorStates: DOOR_PHASES,
    visitors: visitors.enabled,
    components: [
      ...COMPONENTS,
      ...(wyoming === null ? [] : ['wyoming']),
      ...(stills === null ? [] : ['stills']),
      ...readers.filter(({ source }) => source.type !== 'mqtt').map(({ id }) => `reader-${id}`),
      ...contacts.filter(({ source }) => source.type !== 'mqtt').map(({ door }) => `contact-${door}`),
    ],
  });
}
