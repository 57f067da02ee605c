import { monotonicMs } from '../../system/clock';
import { childEntry } from '../../system/paths';
import { Cameras } from '../cameras/cameras';
import { StillsService } from '../cameras/stills-service';
import { announceBox, registerBoxCommands } from '../commands/box-commands';
import { Voices } from '../microphones/voices';
import { FleetService, type Restartable } from '../trials/fleet-service';
import type { Reporting } from './broker';
import type { DoorSide } from './doors';
import type { RunningModels } from './models';
import type { Site } from './site';

export interface Sensors {
  readonly cameras: Cameras;
  readonly voices: Voices;
  readonly stills: StillsService | null;
  readonly fleet: FleetService | null;
}

export interface SensorParts {
  readonly running: RunningModels;
  readonly reporting: Reporting;
  readonly doorSide: DoorSide;
  /** Given by a program that can start again: then the fleet may change settings. */
  readonly under: Restartable | null;
  /** A camera's first analysed frame has come; a microphone hears, or is known not to. */
  readonly settled: (part: string) => void;
}

/** Phase 5: cameras, microphones, stills and the fleet's updates are built, and the box's own commands. Nothing runs yet. */
export function buildSensors(
  { loaded, bootId, log }: Site,
  { running, reporting, doorSide, under, settled }: SensorParts,
): Sensors {
  const { mqtt, health, clock, trail, retained } = reporting;
  const { roster, doors, commands, visitors } = doorSide;
  const { config, dataDir, modelsDir } = loaded;
  const { models, factory, extra, sceneBundle } = running;

  const cameras = new Cameras({
    loaded,
    models,
    extra,
    doors,
    visitors,
    mqtt,
    health,
    trail,
    monotonicMs,
    log,
    settled,
  });
  const voices = new Voices({
    loaded,
    mqtt,
    health,
    bootId,
    log,
    dirs: running.words,
    record: (ready) => trail.words(ready),
    settled,
  });
  registerBoxCommands(commands, { bootId, doors, cameras, voices, health, monotonicMs });
  commands.start();
  announceBox(mqtt, config, extra, retained);

  const stills =
    config.stills === null || config.cameras.length === 0
      ? null
      : new StillsService(childEntry('vision/stills'), {
          config: config.stills,
          dataDir,
          trail,
          monotonicMs,
          log: log.child('stills'),
          job: { modelsDir, models, execution: config.inference },
          ask: (camera, path, event) => cameras.still(camera, path, event),
          health: (state) => health.set('stills', state),
        });
  const watched = [...extra.of.values()].some(({ scene }) => scene !== null);
  const fleet =
    config.fleet.root === null || config.cameras.length + config.microphones.length === 0
      ? null
      : new FleetService({
          loaded,
          mqtt,
          clock,
          roster,
          doors,
          factory,
          models,
          monotonicMs,
          health,
          under,
          services: () => cameras.all,
          scene: watched ? { factory: config.models.scene, bundle: sceneBundle } : null,
          voices: () => voices,
          log: log.child('fleet'),
        });
  return { cameras, voices, stills, fleet };
}

/** Last of all: what brings frames, sounds and releases. */
export async function startSensors({ undo }: Site, { cameras, voices, stills, fleet }: Sensors): Promise<void> {
  if (stills !== null) {
    stills.start();
    undo.push('stills', () => stills.stop());
  }
  cameras.start();
  undo.push('cameras', () => cameras.stop());
  voices.start();
  undo.push('microphones', () => voices.stop());
  if (fleet === null) return;
  await fleet.start();
  undo.push('fleet', () => fleet.stop());
}
