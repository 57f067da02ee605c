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
  /** After each decision, for a still of it. */
  readonly decided: StillsService['decided'];
}

/**
 * Phase 4: who may enter, and what asks: policy, doors, readers, signed commands. Nothing arrives yet, except at readers that are
 * attached to this box.
 */
export function openDoors(site: Site, { storage, running, reporting, roster, decided }: DoorParts): DoorSide {
  const { loaded, bootId, log, undo } = site;
  const { config } = loaded;
  const { store, journal, key } = storage;
  const { mqtt, health, clock, trail } = reporting;

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

  const announcer = new Announcer(
    mqtt,
    trail,
    bootId,
    key,
    config.mqtt.unlockLifeMs,
    monotonicMs,
    log.child('door'),
    decided,
  );
  const doors = new Doors(
    config.doors,
    running.output.thresholds,
    roster,
    announcer,
    health,
    monotonicMs,
    log.child('door'),
    policy,
    saved,
    new Map(config.cameras.map(({ id, latencyMs }) => [id, latencyMs])),
  );
  health.set('models', withMissing(modelsHealth(running.models.set), running.extra));

  const readers = new ReadersService(
    {
      loaded,
      counters: countersIn(store),
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
