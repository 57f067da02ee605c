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
 * The daemon: built from a configuration, started once, stopped once. `start` opens first what the doors depend on
 * (lock, store, models, broker), then what feeds them. `stop` goes the reverse way, within a deadline.
 */
export class App {
  private readonly bootId = randomUUID();
  /** The stops of the started parts, last first. Added as parts start, so that a failed start is undone too. */
  private readonly undo: TakeDown;
  private sensors: Sensors | null = null;
  private readonly ready = new Set<string>();
  private starting: Promise<void> | null = null;
  private becomeReady: () => void = () => undefined;
  private brokerAddress = '';
  private tickedAt = monotonicMs();

  /**
   * Resolves when every camera's models are loaded and analysed frames arrive, and every microphone listens or has
   * failed. A failed microphone must not delay this.
   */
  readonly whenReady = new Promise<void>((resolve) => {
    this.becomeReady = resolve;
  });

  constructor(
    private readonly loaded: LoadedConfig,
    private readonly log: Log,
    /** Present if the caller can restart the daemon inside the process: then the fleet may change settings. */
    private readonly under: Restartable | null = null,
  ) {
    this.undo = new TakeDown(log, STOP_LIMITS);
  }

  /** Where clients of this box's broker connect; known once `start` has resolved. */
  get brokerUrl(): string {
    return this.brokerAddress;
  }

  /**
   * Names of the parts that should make progress and do not. The service manager's watchdog is fed while there are
   * none.
   */
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

  /** @throws UsherError; everything that was started before the failure is stopped again */
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
   * Safe to call at any moment and more than once. Resolves when everything has stopped or the deadline has passed.
   * @param hurry aborted when the person does not want to wait any longer
   * @returns the parts that did not stop in time
   */
  stop(hurry: AbortSignal | null = null): Promise<readonly string[]> {
    // Wait until the start has ended, with or without success: parts of a start that still runs cannot be stopped in
    // order. The start waits for nothing outside the process.
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

  /** @param part null if there is possibly nothing to wait for */
  private noteReady(part: string | null): void {
    if (part !== null) this.ready.add(part);
    const { cameras, microphones } = this.loaded.config;
    if (this.ready.size === cameras.length + microphones.length) this.becomeReady();
  }
}
