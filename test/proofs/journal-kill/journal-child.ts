// The daemon's way from a decision to the broker, in a process of its own that may be killed at any moment: the real journal,
// announcer and MQTT client, with decisions that come by the clock instead of from a camera. It tells each decision that was
// recorded on standard output, at once.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openDeviceKey } from '../../../src/access/keys/device-key';
import type { Decision } from '../../../src/access/door-types';
import { DoorConfig } from '../../../src/config/schema/doors';
import { Announcer } from '../../../src/daemon/doors/announcer';
import { AuditTrail } from '../../../src/daemon/store/audit-trail';
import { MqttClient } from '../../../src/mqtt/client/client';
import { Journal } from '../../../src/store/journal/journal';
import { monotonicMs } from '../../../src/system/clock';
import { createLog } from '../../../src/system/log';

const [, , dataDir = '', url = '', count = '0', pauseMs = '0'] = process.argv;
const say = (line: string): void => void writeSync(1, `${line}\n`);

const journal = Journal.open(dataDir);
const bootId = randomUUID();
const mqtt = new MqttClient({
  site: 'gym',
  device: 'box',
  discoveryPrefix: 'homeassistant',
  url,
  bootId,
  queue: journal.outbox,
  checkOutgoing: true,
  limits: { backoffMinMs: 20, backoffMaxMs: 100 },
});
// Without a broker every grant is complained of; standard error is for what the test must not see.
const log = createLog({ level: 'error', format: 'text', write: () => undefined });
const key = openDeviceKey(dataDir);
const trail = new AuditTrail(journal, mqtt, key, log);
const announcer = new Announcer({ mqtt, trail, bootId, key, unlockLifeMs: 2000, monotonicMs, log });
const door = DoorConfig.parse({ id: 'front', camera: 'cam' });
mqtt.start();
trail.started({ bootId, version: 'test', config: {} });

function decide(turn: number): void {
  const at = monotonicMs();
  const common = {
    at,
    since: at - 400,
    mode: 'verify',
    trigger: 'swipe',
    reader: 'r',
    distance: 0.5,
    threshold: 1,
    votes: 3,
  } as const;
  const decision: Decision =
    turn % 3 === 0
      ? { ...common, outcome: 'granted', reason: 'match', member: `m${turn % 50}` }
      : { ...common, outcome: 'denied', reason: 'mismatch', member: `m${turn % 50}` };
  announcer.announce(door, decision);
  say(`${decision.outcome} ${turn}`);
}

let turn = 0;
function next(): void {
  if (turn < Number(count)) {
    decide(turn++);
    setTimeout(next, Number(pauseMs));
  } else if (journal.outbox.peek() === undefined) void finish();
  else setTimeout(next, 20);
}

async function finish(): Promise<void> {
  trail.stopped(bootId);
  await mqtt.stop();
  journal.close();
  say('done');
}

setInterval(() => trail.housekeep(), 200).unref();
// What is to be delivered before the end needs a broker; an endless run only appends.
next();
