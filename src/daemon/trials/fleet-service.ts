import { totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import type { Roster } from '../../access/members/roster';
import type { JudgedClock } from '../../access/swipes/swipe-judge';
import type { TrialConfig } from '../../config/schema/fleet';
import type { LoadedConfig } from '../../config/load/load';
import { messageOf, UsherError } from '../../errors';
import { Exclusive } from '../../fleet/update/exclusive';
import type { EffectiveConfig } from '../../fleet/update/effective-config';
import { openReceiving } from '../../fleet/update/receive';
import type { HeardOn } from '../../fleet/release';
import { WHOLE_FLEET } from '../../fleet/release';
import { Slots } from '../../fleet/update/slots';
import { Updater } from '../../fleet/update/updater';
import type { MqttClient } from '../../mqtt/client/client';
import type { Log } from '../../system/log';
import { childEntry, packageVersion } from '../../system/paths';
import type { FaceModels } from '../../vision/job';
import { ConfigTarget } from './config-trial';
import type { Doors } from '../doors/doors';
import type { HealthBoard } from '../health/health';
import { SceneTarget } from './scene-target';
import { FaceTarget } from './face-target';
import { ChannelTargets } from './targets';
import type { VisionService } from '../cameras/vision-service';
import type { TrialLimits } from './trial-limits';
import { VoiceTarget } from './voice-target';
import { type Voices, wordBundles } from '../microphones/voices';

export interface FleetServiceParts {
  readonly loaded: LoadedConfig;
  readonly mqtt: Pick<MqttClient, 'publish' | 'subscribe' | 'take'>;
  readonly clock: JudgedClock;
  readonly roster: Roster;
  readonly doors: Doors;
  readonly services: () => readonly VisionService[];
  readonly voices: () => Voices;
  /** The installed face models, and those that run. */
  readonly factory: FaceModels;
  readonly models: FaceModels;
  /** The same for the scene model; null if no camera uses one. */
  readonly scene: { readonly factory: string; readonly bundle: string } | null;
  readonly health: HealthBoard;
  /** The configuration of this process. Null if the caller cannot restart under another one. */
  readonly under: Restartable | null;
  readonly monotonicMs: () => number;
  readonly log: Log;
}

/** A process that restarts its parts on request. */
export interface Restartable {
  readonly under: EffectiveConfig;
  readonly restart: (why: string) => void;
}

/** While a door is in one of these phases, a person waits. */
const BUSY = ['awaiting-face', 'identifying'];
/** With fewer compared frames the agreement is a matter of chance. */
const MIN_COMPARED = 20;
/**
 * Visits are rare at night. Shorter than a test may take; then the test is repeated as long as the release is wanted.
 */
const SEEN_MS = 20 * 60_000;
/** Cameras and microphones may be gone this long under new settings, including a restart of the box's network. */
const PATIENCE_MS = 90_000;

/**
 * The fleet's part of this box: receives offers and carries them out. Without a configured root of trust it accepts
 * none.
 */
export class FleetService {
  private readonly updater: Updater;
  private readonly targets: ChannelTargets;
  private begin: () => void = () => undefined;
  /** Offers that arrive before everything is started wait for this. */
  private readonly begun = new Promise<void>((resolve) => (this.begin = resolve));

  /** @throws UsherError `config-invalid` for an unreadable root, `store-unavailable` */
  constructor(parts: FleetServiceParts) {
    const { loaded, mqtt, clock, doors, log, monotonicMs } = parts;
    const { config, dataDir, file } = loaded;
    const { site, id: device } = config.device;
    const box = { site, device, groups: config.fleet.groups, usher: packageVersion(), arch: process.arch };
    const isBusy = (): boolean => doors.all.some((keeper) => BUSY.includes(keeper.phase(monotonicMs())));
    const { verifier, transfer } = openReceiving({
      config: config.fleet,
      root: readRoot(resolve(dirname(file), config.fleet.root ?? '')),
      dir: join(dataDir, 'fleet'),
      box: { ...box, memoryMiB: Math.round(totalmem() / 1024 / 1024) },
      reader: mqtt,
      isBusy,
      wall: () => (clock.doubt() === null ? clock.now() : null),
    });
    const limits = limitsOf(config.fleet.trial);
    const { modelsDir } = loaded;
    const faces = new FaceTarget({ ...parts, modelsDir, entry: childEntry('vision'), limits });
    const voices = new VoiceTarget({
      ...parts,
      names: wordBundles(config),
      modelsDir,
      entry: childEntry('voice'),
      limits,
    });
    const scenes =
      parts.scene === null
        ? null
        : new SceneTarget({ ...parts, ...parts.scene, modelsDir, entry: childEntry('vision'), limits });
    const { under } = parts;
    const { health } = parts;
    const { probationMs } = limits;
    this.targets = new ChannelTargets([
      // First: a trial that needs a start continues before any other begins.
      ...(under === null ? [] : [new ConfigTarget({ ...under, health, isBusy, probationMs, patienceMs: PATIENCE_MS })]),
      ...(config.cameras.length === 0 ? [] : [faces]),
      ...(scenes === null ? [] : [scenes]),
      voices,
    ]);
    const startedAt = Date.now() - monotonicMs();
    this.updater = new Updater({
      verifier,
      transfer,
      box,
      log,
      target: this.targets,
      slots: new Slots(dataDir),
      trials: new Exclusive(),
      channels: this.targets.channels,
      now: () => Math.round(startedAt + monotonicMs()),
      random: Math.random,
      probationMs: limits.probationMs,
      publish: (reported) => mqtt.publish('updateReported', {}, reported),
    });
    mqtt.subscribe('updateDesired', ({ payload }) => this.hear(payload, { kind: 'device', site, device }));
    mqtt.subscribe('fleetDesired', ({ params: { group }, payload }) => this.hear(payload, { kind: 'group', group }), {
      group: [WHOLE_FLEET, ...config.fleet.groups],
    });
  }

  /** Continues where the last run was interrupted. */
  async start(): Promise<void> {
    await this.targets.start();
    this.updater.start();
    this.begin();
  }

  stop(): Promise<void> {
    return this.updater.stop();
  }

  /** Signatures are over the canonical text, which does not depend on how the document was written. */
  private hear(payload: object, heardOn: HeardOn): void {
    const bytes = Buffer.from(JSON.stringify(payload));
    void this.begun.then(() => this.updater.hear(bytes, heardOn));
  }
}

function limitsOf(trial: TrialConfig): TrialLimits {
  return {
    startMs: trial.startSeconds * 1000,
    shadowMs: trial.shadowSeconds * 1000,
    seenMs: SEEN_MS,
    probationMs: trial.probationSeconds * 1000,
    minAgreement: trial.minAgreement,
    minCompared: MIN_COMPARED,
    latencyRatio: trial.latencyRatio,
    latencyMs: trial.latencyMs,
    maxStepIns: trial.maxStepIns,
    memoryMiB: trial.memoryMiB,
  };
}

function readRoot(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsherError('config-invalid', `fleet.root: ${file}: ${messageOf(error)}`, {
      remedy: 'Name the root.json that `usher fleet init` made, as it was given to this box.',
      cause: error,
    });
  }
}
