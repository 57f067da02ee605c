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
  /** Present if the program can restart: then the fleet may change settings. */
  readonly under: Restartable | null;
  /** Called when a camera has delivered an analysed frame, or a microphone listens or has failed. */
  readonly settled: (part: string) => void;
}

/**
 * Phase 5: creates cameras, microphones, stills and the fleet's updates, and the box's own commands. Nothing runs yet.
 */
export function buildSensors(site: Site, parts: SensorParts): Sensors {
  const { loaded, bootId, log } = site;
  const { running, reporting, doorSide, settled } = parts;
  const { mqtt, health, trail, retained } = reporting;
  const { doors, commands, visitors } = doorSide;
  const { models, extra } = running;

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
  announceBox(mqtt, loaded.config, extra, retained);

  const stills = stillsOf(site, parts, cameras);
  const fleet = fleetOf(site, parts, cameras, voices);
  return { cameras, voices, stills, fleet };
}

function stillsOf(
  { loaded: { config, dataDir, modelsDir }, log }: Site,
  { running: { models }, reporting: { trail, health } }: SensorParts,
  cameras: Cameras,
): StillsService | null {
  if (config.stills === null || config.cameras.length === 0) return null;
  return new StillsService(childEntry('vision/stills'), {
    config: config.stills,
    dataDir,
    trail,
    monotonicMs,
    log: log.child('stills'),
    job: { modelsDir, models, execution: config.inference },
    ask: (camera, path, event) => cameras.still(camera, path, event),
    health: (state) => health.set('stills', state),
  });
}

function fleetOf(
  { loaded, log }: Site,
  { running, reporting: { mqtt, clock, health }, doorSide: { roster, doors }, under }: SensorParts,
  cameras: Cameras,
  voices: Voices,
): FleetService | null {
  const { fleet, cameras: seen, microphones, models: configured } = loaded.config;
  if (fleet.root === null || seen.length + microphones.length === 0) return null;
  const { models, factory, extra, sceneBundle } = running;
  const watched = [...extra.of.values()].some(({ scene }) => scene !== null);
  return new FleetService({
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
    scene: watched ? { factory: configured.scene, bundle: sceneBundle } : null,
    voices: () => voices,
    log: log.child('fleet'),
  });
}

/** Last step: starts everything that brings frames, sounds and releases. */
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
