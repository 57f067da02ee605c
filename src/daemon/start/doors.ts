import { countersIn, policyStateIn } from '../../access/door/persisted';
import { PolicyKeeper } from '../../access/door/policy-keeper';
import type { Roster } from '../../access/members/roster';
import { compilePolicy } from '../../access/policy/rules';
import type { Now } from '../../access/policy/types';
import { CommandRegistry } from '../../mqtt/requests/commands';
import { machineBoot, monotonicMs } from '../../system/clock';
import { commandAuthority, registerSignedCommands } from '../commands/signed-commands';
import { withMissing } from '../cameras/camera-models';
import { Announcer } from '../doors/announcer';
import { Doors } from '../doors/doors';
import { lockdownsBefore, mayHaveForgotten } from '../doors/lockdowns-before';
import { ReadersService } from '../doors/readers-service';
import { type Visitors, watchVisitors } from '../doors/visitors';
import { modelsHealth } from '../health/publishing';
import type { StillsService } from '../cameras/stills-service';
import type { Reporting } from './broker';
import type { RunningModels } from './models';
import type { Site } from './site';
import type { Storage } from './storage';

export interface DoorSide {
  readonly roster: Roster;
  readonly doors: Doors;
  readonly readers: ReadersService;
  readonly commands: CommandRegistry;
  readonly visitors: Visitors | null;
}

export interface DoorParts {
  readonly storage: Storage;
  readonly running: RunningModels;
  readonly reporting: Reporting;
  readonly roster: Roster;
  /** Called after each decision, for a still of it. */
  readonly decided: StillsService['decided'];
}

/**
 * Phase 4: policy, doors, readers, signed commands. Nothing arrives yet, except at readers that are attached to this
 * box.
 */
export function openDoors(site: Site, parts: DoorParts): DoorSide {
  const { loaded, bootId, log } = site;
  const { config } = loaded;
  const { storage, running, reporting, roster, decided } = parts;
  const { store, key } = storage;
  const { mqtt, health, clock, trail } = reporting;

  const { policy, saved } = openPolicy(site, parts);
  const announcer = new Announcer({
    mqtt,
    trail,
    bootId,
    key,
    unlockLifeMs: config.mqtt.unlockLifeMs,
    monotonicMs,
    log: log.child('door'),
    decided,
  });
  const doors = new Doors({
    doors: config.doors,
    table: running.output.thresholds,
    roster,
    announcer,
    health,
    monotonicMs,
    log: log.child('door'),
    policy,
    saved,
    latencies: new Map(config.cameras.map(({ id, latencyMs }) => [id, latencyMs])),
  });
  health.set('models', withMissing(modelsHealth(running.models.set), running.extra));

  const readers = startReaders(site, parts, doors, policy);
  const commands = new CommandRegistry(mqtt, { admission: commandAuthority(loaded, store, clock) });
  registerSignedCommands(commands, {
    store,
    policy,
    refresh: () => roster.load(),
    record: (body) => trail.fact('policy', body),
  });
  const visitors = watchVisitors(config, { roster, mqtt, commands, store });
  return { roster, doors, readers, commands, visitors };
}

/** The rules, with the state that they were left in, and the lockdowns of which only the journal knows. */
function openPolicy({ loaded: { config } }: Site, { storage, reporting, roster }: DoorParts) {
  const { store, journal } = storage;
  const { clock } = reporting;
  const now = (): Now => ({ mono: monotonicMs(), wall: clock.wall() });
  const saved = policyStateIn(store, () => ({ ...now(), machineBoot: machineBoot() }));
  const policy = new PolicyKeeper(
    compilePolicy(config.policy, config.doors),
    (member) => roster.rightsOf(member),
    now,
    saved.load(),
    (state) => saved.offer(state),
  );
  const doorIds = config.doors.map(({ id }) => id);
  if (mayHaveForgotten(store, journal))
    for (const lockdown of lockdownsBefore(journal.ofKinds(['policy']), doorIds, clock.wall())) policy.order(lockdown);
  return { policy, saved };
}

function startReaders(
  { loaded, log, undo }: Site,
  { storage, reporting: { clock, mqtt, health } }: DoorParts,
  doors: Doors,
  policy: PolicyKeeper,
): ReadersService {
  const readers = new ReadersService(
    {
      loaded,
      counters: countersIn(storage.store),
      clock,
      monotonicMs,
      mqtt,
      health,
      stdin: () => process.stdin,
      log: log.child('readers'),
    },
    {
      swipe: (reader, identifier) => doors.swipe(reader, identifier),
      contact: ({ door, open }) => policy.feed({ type: 'contact', door, open }),
    },
  );
  readers.start();
  undo.push('readers', () => readers.stop());
  return readers;
}
