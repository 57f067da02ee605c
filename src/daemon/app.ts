import { randomUUID } from 'node:crypto';
import type { LoadedConfig } from '../config/load/load';
import { monotonicMs } from '../system/clock';
import { LOOP_PATIENCE_MS, stalledParts } from '../system/health-watchdog';
import type { Log } from '../system/log';
import { TakeDown } from '../system/take-down';
import { openReporting } from './start/broker';
import { startClockwork } from './start/clockwork';
import { openDoors } from './start/doors';
import { chooseRunningModels, loadRoster } from './start/models';
import { buildSensors, type Sensors, startSensors } from './start/sensors';
import type { Site } from './start/site';
import { openStorage } from './start/storage';
import type { Restartable } from './trials/fleet-service';

const STOP_LIMITS = { totalMs: 8000, partMs: 5000 };

/**
 * The daemon: built from a configuration, started once, stopped once. `start` brings up what the doors rest on first (lock,
 * store, models, broker), then what feeds them; `stop` goes the same way back, within a deadline.
 */
export class App {
  private readonly bootId = randomUUID();
  /** What `stop` undoes, last first. Filled as things come up, so that a start that fails half-way is undone too. */
  private readonly undo: TakeDown;
  private sensors: Sensors | null = null;
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
    return stalledParts(
      [doors, ...(this.sensors?.cameras.progress ?? []), ...(this.sensors?.voices.progress ?? [])],
      monotonicMs(),
    );
  }

  /** Process ids of the vision and voice children, for measurements. */
  get childPids(): readonly number[] {
    return [...(this.sensors?.cameras.pids ?? []), ...(this.sensors?.voices.pids ?? [])];
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
    const site: Site = { loaded: this.loaded, bootId: this.bootId, log: this.log, undo: this.undo };

    const storage = openStorage(site, this.under !== null);

    const running = await chooseRunningModels(site);
    const roster = loadRoster(site, storage.store, running);

    const reporting = await openReporting(site, storage, running);
    this.brokerAddress = reporting.brokerUrl;
    void this.whenReady.then(() => reporting.healthLog.allReady());

    const doorSide = openDoors(site, {
      storage,
      running,
      reporting,
      roster,
      decided: (camera, event) => this.sensors?.stills?.decided(camera, event),
    });

    const sensors = buildSensors(site, {
      running,
      reporting,
      doorSide,
      under: this.under,
      settled: (part) => this.noteReady(part),
    });
    this.sensors = sensors;

    startClockwork(site, {
      storage,
      reporting,
      doorSide,
      stills: sensors.stills,
      ticked: () => (this.tickedAt = monotonicMs()),
    });
    this.noteReady(null);
    await startSensors(site, sensors);
  }

  /** @param part null: there may be nothing to wait for */
  private noteReady(part: string | null): void {
    if (part !== null) this.ready.add(part);
    const { cameras, microphones } = this.loaded.config;
    if (this.ready.size === cameras.length + microphones.length) this.becomeReady();
  }
}
