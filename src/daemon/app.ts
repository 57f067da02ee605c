import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { openDeviceKey } from '../access/keys/device-key';
import { PolicyKeeper } from '../access/door/policy-keeper';
import { compilePolicy } from '../access/policy/rules';
import type { Now } from '../access/policy/types';
import { countersIn, policyStateIn } from '../access/door/persisted';
import { Roster } from '../access/members/roster';
import type { LoadedConfig } from '../config/load/load';
import { Announcer } from './doors/announcer';
import { AuditTrail } from './store/audit-trail';
import { announceBox, registerBoxCommands } from './commands/box-commands';
import { isTopicOf } from './commands/box-topics';
import { linkBroker } from './broker/broker-link';
import { chooseCameraModels, unknownScenes, withMissing } from './cameras/camera-models';
import { Cameras } from './cameras/cameras';
import { ClockGuard } from './store/clock-guard';
import { Doors } from './doors/doors';
import { FleetService, type Restartable } from './trials/fleet-service';
import { RetentionService, RETENTION_EVERY_MS, STILLS_EVERY_MS, StillsRetention } from './retention/retention';
import { countTrialStart } from '../fleet/update/effective-config';
import { installedModels, installedScene, installedWords } from '../fleet/update/installed';
import { HealthBoard } from './health/health';
import { HealthLog, labels } from './health/health-log';
import { lockdownsBefore, mayHaveForgotten } from './doors/lockdowns-before';
import { brokerHealth, modelsHealth, PhasePublisher, publishHealth } from './health/publishing';
import { ReadersService } from './doors/readers-service';
import { RetainedFile } from './broker/retained-memory';
import { commandAuthority, registerSignedCommands } from './commands/signed-commands';
import { StillsService } from './cameras/stills-service';
import { Voices, wordBundles } from './microphones/voices';
import { watchVisitors } from './doors/visitors';
import type { CardOutput } from '../inference/card';
import type { MqttClient } from '../mqtt/client/client';
import { CommandRegistry } from '../mqtt/requests/commands';
import type { EventQueue } from '../mqtt/client/event-queue';
import { type DaemonLock, holdDaemonLock } from '../store/daemon-lock';
import { openStore } from './store/open-store';
import { Journal } from '../store/journal/journal';
import { machineBoot, monotonicMs } from '../system/clock';
import { LOOP_PATIENCE_MS, stalledParts } from '../system/health-watchdog';
import type { Log } from '../system/log';
import { childEntry, packageVersion } from '../system/paths';
import { TakeDown } from '../system/take-down';
import { type ChosenModels, chooseModels, readEncoderCard } from '../vision/faces/load';

const TICK_MS = 100;
const REFRESH_MS = 1000;
const STOP_LIMITS = { totalMs: 8000, partMs: 5000 };
/** Of a box without cameras: there is nobody to recognise. */
const NO_FACES = {
  factory: { set: null, detector: '', encoder: '' },
  models: { set: null, detector: '', encoder: '' },
  output: { space: 'none', dimensions: 1, normalise: true, thresholds: [] },
};

/**
 * The daemon: built from a configuration, started once, stopped once. `start` brings up what the doors rest on first (lock,
 * store, models, broker), then what feeds them; `stop` goes the same way back, within a deadline.
 */
export class App {
  private readonly bootId = randomUUID();
  /** What `stop` undoes, last first. Filled as things come up, so that a start that fails half-way is undone too. */
  private readonly undo: TakeDown;
  private cameras: Cameras | null = null;
  private voices: Voices | null = null;
  private stills: StillsService | null = null;
  private readonly ready = new Set<string>();
  private starting: Promise<void> | null = null;
  private becomeReady: () => void = () => undefined;
  private brokerAddress = '';
  private tickedAt = monotonicMs();

  /**
   * Resolves when every camera's models are loaded and analysed frames arrive, and every microphone hears or is known not to: a
   * microphone keeps nobody waiting.
   */
  readonly whenReady = new Promise<void>((resolve) => {
    this.becomeReady = resolve;
  });

  constructor(
    private readonly loaded: LoadedConfig,
    private readonly log: Log,
    /** Given by whoever can begin anew: then the fleet may change settings. */
    private readonly under: Restartable | null = null,
  ) {
    this.undo = new TakeDown(log, STOP_LIMITS);
  }

  /** Where clients of this box's broker connect; known once `start` has resolved. */
  get brokerUrl(): string {
    return this.brokerAddress;
  }

  /** Names of what should make progress and does not: the service manager's watchdog is fed while there is none. */
  get stalled(): readonly string[] {
    const doors = { name: 'doors', at: this.tickedAt, patienceMs: LOOP_PATIENCE_MS };
    return stalledParts([doors, ...(this.cameras?.progress ?? []), ...(this.voices?.progress ?? [])], monotonicMs());
  }

  /** Process ids of the vision and voice children, for measurements. */
  get childPids(): readonly number[] {
    return [...(this.cameras?.pids ?? []), ...(this.voices?.pids ?? [])];
  }

  /** @throws UsherError; whatever was brought up before the failure is taken down again */
  async start(): Promise<void> {
    this.starting ??= this.bringUp();
    try {
      await this.starting;
    } catch (error) {
      await this.undo.run();
      throw error;
    }
  }

  /**
   * Safe to call at any moment and more than once; resolves when all is down or the deadline has passed.
   * @param hurry aborted when nobody wants to wait any longer
   * @returns the parts that were not down in time
   */
  stop(hurry: AbortSignal | null = null): Promise<readonly string[]> {
    // What is half up cannot be taken down in order: the start ends first, well or badly; it waits for nothing outside.
    return this.undo.run(hurry, this.starting?.catch(() => undefined) ?? null);
  }

  /** Parts that a stop has not finished yet. */
  get unfinished(): readonly string[] {
    return this.undo.unfinished;
  }

  private async bringUp(): Promise<void> {
    const { config, dataDir, modelsDir } = this.loaded;
    if (!existsSync(dataDir)) this.log.info('creating the data folder for members, templates and keys', { dataDir });
    const lock: DaemonLock = holdDaemonLock(dataDir);
    this.undo.push('data folder lock', () => lock.release());
    if (this.under !== null) countTrialStart(dataDir);
    const journal = Journal.open(dataDir, { outboxBytes: config.audit.outboxMiB * 1024 * 1024 });
    this.undo.push('journal', () => journal.close());
    const store = openStore(
      { dataDir, configured: { file: this.loaded.file, security: config.security } },
      { ledger: journal },
    );
    this.undo.push('store', () => store.close());
    const key = openDeviceKey(dataDir);

    const { factory, models, output } = config.cameras.length === 0 ? NO_FACES : await this.chooseFaces();
    const warn = (channel: string, why: string): void => this.tellPassedOver(channel, why);
    const sceneBundle = (await installedScene(dataDir, warn)) ?? config.models.scene;
    const extra = await chooseCameraModels(config, modelsDir, sceneBundle);
    const watched = [...extra.of.values()].some(({ scene }) => scene !== null);
    for (const fault of unknownScenes(config, extra)) this.log.warn(fault);
    const roster = new Roster(store, output);
    roster.load();
    roster.inspect();
    this.log.info('members loaded', { members: roster.size, space: output.space });
    const lost = roster.withoutTemplate();
    if (models.set !== null && lost > 0)
      this.log.warn('members without a picture for this encoder: enrol them again', {
        members: lost,
        encoder: models.encoder,
      });

    const retained = new RetainedFile(dataDir, this.log.child('mqtt'));
    retained.open();
    const mqtt = await this.connect(journal.outbox, retained, isTopicOf(config, extra));
    const healthLog = new HealthLog(this.log, labels(config), monotonicMs());
    void this.whenReady.then(() => healthLog.allReady());
    const health = new HealthBoard((component, state) => {
      healthLog.changed(component, state, monotonicMs());
      publishHealth(mqtt, component, state);
    });
    const clock = new ClockGuard({ dataDir, health, log: this.log.child('clock') });
    const trail = new AuditTrail(journal, mqtt, key, this.log.child('audit'));
    const announcer = new Announcer(
      mqtt,
      trail,
      this.bootId,
      key,
      config.mqtt.unlockLifeMs,
      monotonicMs,
      this.log.child('door'),
      (camera, event) => this.stills?.decided(camera, event),
    );
    const now = (): Now => ({ mono: monotonicMs(), wall: clock.wall() });
    const saved = policyStateIn(store, () => ({ ...now(), machineBoot: machineBoot() }));
    const policy = new PolicyKeeper(
      compilePolicy(config.policy, config.doors),
      (member) => roster.rightsOf(member),
      now,
      saved.load(),
      (state) => saved.offer(state),
    );
    if (mayHaveForgotten(store, journal))
      for (const lockdown of lockdownsBefore(
        journal.ofKinds(['policy']),
        config.doors.map(({ id }) => id),
        clock.wall(),
      ))
        policy.order(lockdown);
    const doors = new Doors(
      config.doors,
      output.thresholds,
      roster,
      announcer,
      health,
      monotonicMs,
      this.log.child('door'),
      policy,
      saved,
      new Map(config.cameras.map(({ id, latencyMs }) => [id, latencyMs])),
    );
    health.set('models', withMissing(modelsHealth(models.set), extra));
    const readers = new ReadersService(
      {
        loaded: this.loaded,
        counters: countersIn(store),
        clock,
        monotonicMs,
        mqtt,
        health,
        stdin: () => process.stdin,
        log: this.log.child('readers'),
      },
      {
        swipe: (reader, identifier) => doors.swipe(reader, identifier),
        contact: ({ door, open }) => policy.feed({ type: 'contact', door, open }),
      },
    );
    readers.start();
    this.undo.push('readers', () => readers.stop());
    const commands = new CommandRegistry(mqtt, { admission: commandAuthority(this.loaded, store, clock) });
    registerSignedCommands(commands, {
      store,
      policy,
      refresh: () => roster.load(),
      record: (body) => trail.fact('policy', body),
    });
    const visitors = watchVisitors(config, { roster, mqtt, commands, store });
    const cameras = new Cameras({
      ...{ loaded: this.loaded, models, extra, doors, visitors, mqtt, health, trail, monotonicMs, log: this.log },
      settled: (camera) => this.noteReady(camera),
    });
    this.cameras = cameras;
    const voices = new Voices({
      ...{ loaded: this.loaded, mqtt, health, bootId: this.bootId, log: this.log },
      dirs: await installedWords(dataDir, wordBundles(config), warn),
      record: (ready) => trail.words(ready),
      settled: (microphone) => this.noteReady(microphone),
    });
    this.voices = voices;
    registerBoxCommands(commands, { bootId: this.bootId, doors, cameras, voices, health, monotonicMs });
    commands.start();
    announceBox(mqtt, config, extra, retained);
    const fleet =
      config.fleet.root === null || config.cameras.length + config.microphones.length === 0
        ? null
        : new FleetService({
            ...{ loaded: this.loaded, mqtt, clock, roster, doors, factory, models, monotonicMs, health },
            under: this.under,
            services: () => cameras.all,
            scene: watched ? { factory: config.models.scene, bundle: sceneBundle } : null,
            voices: () => voices,
            log: this.log.child('fleet'),
          });
    const retention = new RetentionService({
      ...{ config, store, journal, doors, clock, health, monotonicMs, boot: machineBoot() },
      log: this.log.child('retention'),
    });
    // Before the start is recorded: the newest record is then one of an earlier run.
    retention.tick();
    this.every(RETENTION_EVERY_MS, () => retention.tick());
    mqtt.start();
    this.undo.push('mqtt', () => mqtt.stop());
    // A copy that the journal contradicts is not taken for what the box stood at.
    const epoch = (): number | null => (store.contradiction === null ? store.epoch : null);
    trail.started({ bootId: this.bootId, version: packageVersion(), config, epoch: epoch() });
    this.undo.push('stop record', () => trail.stopped(this.bootId, epoch()));

    this.undo.push('doors', () => doors.shutdown());
    const phases = new PhasePublisher(mqtt, doors.all, monotonicMs, (door) => readers.openOf(door));
    this.every(TICK_MS, () => {
      doors.tick();
      phases.publishChanges();
      this.tickedAt = monotonicMs();
    });
    doors.refresh();
    doors.clock(clock.tick());
    this.every(REFRESH_MS, () => {
      health.set('broker', brokerHealth(mqtt.health));
      healthLog.tick(monotonicMs());
      visitors?.tick();
      this.stills?.tick();
      doors.clock(clock.tick());
      doors.refresh();
      trail.housekeep();
    });
    const stillsRetention = new StillsRetention({
      ...{ config, dataDir, store, trail, retention: retention, monotonicMs, wall: clock.now, log: this.log },
    });
    void stillsRetention.tick();
    this.every(STILLS_EVERY_MS, () => void stillsRetention.tick());
    if (config.stills !== null && config.cameras.length > 0) {
      this.stills = new StillsService(childEntry('vision/stills'), {
        ...{ config: config.stills, dataDir, trail, monotonicMs, log: this.log.child('stills') },
        job: { modelsDir, models, execution: config.inference },
        ask: (camera, path, event) => cameras.still(camera, path, event),
        health: (state) => health.set('stills', state),
      });
      this.stills.start();
      this.undo.push('stills', () => this.stills?.stop());
    }
    this.every(config.health.everySeconds * 1000, () => {
      for (const [component, state] of health.entries()) publishHealth(mqtt, component, state);
    });

    cameras.start();
    this.undo.push('cameras', () => cameras.stop());
    voices.start();
    this.undo.push('microphones', () => voices.stop());
    this.noteReady(null);
    if (fleet === null) return;
    await fleet.start();
    this.undo.push('fleet', () => fleet.stop());
  }

  /** What runs: what updates have brought, else what the installation brought (`factory`). */
  private async chooseFaces(): Promise<{
    factory: ChosenModels;
    models: ChosenModels;
    output: CardOutput<'embedding'>;
  }> {
    const { modelsDir, dataDir, config } = this.loaded;
    const factory = await chooseModels(modelsDir, config.models);
    const installed = await installedModels(dataDir, (channel, why) => this.tellPassedOver(channel, why));
    const models = { ...factory, ...installed };
    const { output } = await readEncoderCard(modelsDir, models.encoder);
    return { factory, models, output };
  }

  private tellPassedOver(channel: string, why: string): void {
    this.log.error('a version that an update brought is passed over', { channel, why });
  }

  private async connect(
    queue: EventQueue,
    retained: RetainedFile,
    belongs: (topic: string) => boolean,
  ): Promise<MqttClient> {
    const { bootId, log } = this;
    const link = await linkBroker(this.loaded.config, { queue, retained, belongs, bootId, log });
    this.undo.push('broker', () => link.close());
    this.brokerAddress = link.url;
    return link.mqtt;
  }

  /** @param part null: there may be nothing to wait for */
  private noteReady(part: string | null): void {
    if (part !== null) this.ready.add(part);
    const { cameras, microphones } = this.loaded.config;
    if (this.ready.size === cameras.length + microphones.length) this.becomeReady();
  }

  private every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    this.undo.push('timers', () => clearInterval(timer));
  }
}
