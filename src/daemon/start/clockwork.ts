import { machineBoot, monotonicMs } from '../../system/clock';
import { packageVersion } from '../../system/paths';
import type { StillsService } from '../cameras/stills-service';
import { brokerHealth, PhasePublisher, publishHealth } from '../health/publishing';
import { RETENTION_EVERY_MS, RetentionService, STILLS_EVERY_MS, StillsRetention } from '../retention/retention';
import type { Reporting } from './broker';
import type { DoorSide } from './doors';
import { every, type Site } from './site';
import type { Storage } from './storage';

const TICK_MS = 100;
const REFRESH_MS = 1000;

export interface ClockworkParts {
  readonly storage: Storage;
  readonly reporting: Reporting;
  readonly doorSide: DoorSide;
  readonly stills: StillsService | null;
  /** Called after each tick of the doors, for the watchdog. */
  readonly ticked: () => void;
}

/** Phase 6: connects the broker, records the start in the journal, and starts the ticks of the doors. */
export function startClockwork(site: Site, parts: ClockworkParts): void {
  const { storage, reporting, doorSide, stills, ticked } = parts;
  const { store } = storage;
  const { mqtt, health, healthLog, clock, trail } = reporting;
  const { doors, readers, visitors } = doorSide;
  const { loaded, bootId, undo } = site;
  const { config } = loaded;

  const retention = startRetention(site, parts);

  mqtt.start();
  undo.push('mqtt', () => mqtt.stop());
  // A copy of the state that the journal contradicts is not used.
  const epoch = (): number | null => (store.contradiction === null ? store.epoch : null);
  trail.started({ bootId, version: packageVersion(), config, epoch: epoch() });
  undo.push('stop record', () => trail.stopped(bootId, epoch()));

  undo.push('doors', () => doors.shutdown());
  const phases = new PhasePublisher(mqtt, doors.all, monotonicMs, (door) => readers.openOf(door));
  every(site, TICK_MS, () => {
    doors.tick();
    phases.publishChanges();
    ticked();
  });
  doors.refresh();
  doors.clock(clock.tick());
  every(site, REFRESH_MS, () => {
    health.set('broker', brokerHealth(mqtt.health));
    healthLog.tick(monotonicMs());
    visitors?.tick();
    stills?.tick();
    doors.clock(clock.tick());
    doors.refresh();
    trail.housekeep();
  });

  startStillsRetention(site, parts, retention);
  every(site, config.health.everySeconds * 1000, () => {
    for (const [component, state] of health.entries()) publishHealth(mqtt, component, state);
  });
}

function startRetention(
  site: Site,
  { storage: { store, journal }, reporting: { clock, health }, doorSide: { doors } }: ClockworkParts,
): RetentionService {
  const { config } = site.loaded;
  const retention = new RetentionService({
    config,
    store,
    journal,
    doors,
    clock,
    health,
    monotonicMs,
    boot: machineBoot(),
    log: site.log.child('retention'),
  });
  // Before the start is recorded, so that the newest record is of an earlier run.
  retention.tick();
  every(site, RETENTION_EVERY_MS, () => retention.tick());
  return retention;
}

function startStillsRetention(
  site: Site,
  { storage: { store }, reporting: { trail, clock } }: ClockworkParts,
  retention: RetentionService,
): void {
  const { config, dataDir } = site.loaded;
  const stillsRetention = new StillsRetention({
    config,
    dataDir,
    store,
    trail,
    retention,
    monotonicMs,
    wall: clock.now,
    log: site.log,
  });
  void stillsRetention.tick();
  every(site, STILLS_EVERY_MS, () => void stillsRetention.tick());
}
