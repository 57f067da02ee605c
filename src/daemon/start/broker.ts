import type { MqttClient } from '../../mqtt/client/client';
import { monotonicMs } from '../../system/clock';
import { linkBroker } from '../broker/broker-link';
import { RetainedFile } from '../broker/retained-memory';
import { isTopicOf } from '../commands/box-topics';
import { HealthBoard } from '../health/health';
import { HealthLog, labels } from '../health/health-log';
import { publishHealth } from '../health/publishing';
import { AuditTrail } from '../store/audit-trail';
import { ClockGuard } from '../store/clock-guard';
import type { RunningModels } from './models';
import type { Site } from './site';
import type { Storage } from './storage';

export interface Reporting {
  /** Not started yet: subscribers that need every message from the first on subscribe before. */
  readonly mqtt: MqttClient;
  /** Where clients of this box's broker connect. */
  readonly brokerUrl: string;
  readonly retained: RetainedFile;
  readonly health: HealthBoard;
  readonly healthLog: HealthLog;
  readonly clock: ClockGuard;
  readonly trail: AuditTrail;
}

/**
 * Phase 3: the broker, and what reports through it: health, clock and journal.
 * @throws UsherError `broker-failed` for the embedded broker; an external one may be offline at the start
 */
export async function openReporting(
  { loaded, bootId, log, undo }: Site,
  { journal, key }: Storage,
  { extra }: RunningModels,
): Promise<Reporting> {
  const { config, dataDir } = loaded;
  const retained = new RetainedFile(dataDir, log.child('mqtt'));
  retained.open();
  const belongs = isTopicOf(config, extra);
  const link = await linkBroker(config, { queue: journal.outbox, retained, belongs, bootId, log });
  undo.push('broker', () => link.close());
  const healthLog = new HealthLog(log, labels(config), monotonicMs());
  const health = new HealthBoard((component, state) => {
    healthLog.changed(component, state, monotonicMs());
    publishHealth(link.mqtt, component, state);
  });
  const clock = new ClockGuard({ dataDir, health, log: log.child('clock') });
  const trail = new AuditTrail(journal, link.mqtt, key, log.child('audit'));
  return { mqtt: link.mqtt, brokerUrl: link.url, retained, health, healthLog, clock, trail };
}
