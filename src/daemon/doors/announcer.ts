import { randomBytes, randomUUID } from 'node:crypto';
import type { DeviceKey } from '../../access/keys/device-key';
import type { Decision } from '../../access/door-types';
import type { Alarm } from '../../access/policy/types';
import { signUnlock } from '../../access/keys/unlock';
import type { DoorConfig } from '../../config/schema/doors';
import { messageOf } from '../../errors';
import type { MqttClient } from '../../mqtt/client/client';
import type { AlarmPayload, DecisionPayload } from '../../mqtt/topics/payloads';
import type { Log } from '../../system/log';
import type { StillEvent } from '../../vision/stills/still-folder';
import type { AuditTrail } from '../store/audit-trail';

export interface AnnouncerParts {
  readonly mqtt: Pick<MqttClient, 'publish' | 'topicOfEvent' | 'wake'>;
  readonly trail: Pick<AuditTrail, 'alarm' | 'decision' | 'recover'>;
  readonly bootId: string;
  readonly key: DeviceKey;
  /** How long an unlock is valid, ms. */
  readonly unlockLifeMs: number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** Called with every decision once all else is done. */
  readonly decided?: (camera: string, event: StillEvent) => void;
}

/**
 * Publishes a door's decisions to the journal, MQTT and the log. The record comes first, on disk, so that no one is
 * admitted without a record. Then the unlock, since a person waits for it. The decision itself follows from the
 * journal's outbox.
 */
export class Announcer {
  constructor(private readonly parts: AnnouncerParts) {}

  /** @throws UsherError `store-unavailable` if it could not be recorded; then nothing was opened or published. */
  announce(door: DoorConfig, decision: Decision): void {
    const id = randomUUID();
    const seq = this.record(id, door, decision);
    const now = Date.now();
    if (decision.outcome === 'granted') {
      const outcome = this.parts.mqtt.publish(
        'unlock',
        { door: door.id },
        signUnlock(
          {
            v: 1,
            door: door.id,
            decision: id,
            issuedAt: now,
            notAfter: now + this.parts.unlockLifeMs,
            bootId: this.parts.bootId,
            seq,
            nonce: randomBytes(16).toString('hex'),
            durationMs: decision.reason === 'hold-open' ? decision.unlockMs : door.unlockMs,
          },
          this.parts.key,
        ),
      );
      if (outcome !== 'sent')
        this.parts.log.error('granted, but the broker is not connected: the unlock was not sent', { door: door.id });
    }
    this.parts.mqtt.wake();
    this.parts.log.info(decision.outcome, {
      door: door.id,
      reason: decision.reason,
      votes: decision.votes,
      distance: decision.distance === null ? null : Number(decision.distance.toFixed(3)),
      threshold: decision.threshold === null ? null : Number(decision.threshold.toFixed(3)),
      ...(decision.liveness === undefined ? {} : { liveness: decision.liveness }),
      waitedMs: Math.round(decision.at - decision.since),
    });
    const { outcome, member } = decision;
    this.parts.decided?.(door.camera, { decision: id, door: door.id, outcome, member, at: now });
  }

  /**
   * An alarm goes the same way as a decision: record, then broker. If it cannot be recorded now, it is recorded as soon
   * as possible.
   */
  alarm(door: DoorConfig, alarm: Alarm): void {
    const { kind, member, reader } = alarm;
    const at = Math.round(Date.now() - (this.parts.monotonicMs() - alarm.at));
    this.parts.log.warn('alarm', { door: door.id, kind });
    this.parts.trail.alarm((facts) => {
      const body: AlarmPayload = { v: 1, door: door.id, kind, member, reader, at, bootId: this.parts.bootId, ...facts };
      return { topic: this.parts.mqtt.topicOfEvent('alarm', { door: door.id }, body), worth: 'alarm', body };
    });
    this.parts.mqtt.wake();
  }

  /** Writes to a journal again that failed before; does nothing otherwise. @throws UsherError `store-unavailable` */
  recover(): void {
    this.parts.trail.recover();
  }

  /** @returns the number of the event */
  private record(id: string, door: DoorConfig, decision: Decision): number {
    const at = Math.round(Date.now() - (this.parts.monotonicMs() - decision.at));
    let number = 0;
    try {
      this.parts.trail.decision(decision.outcome, ({ seq, journal }) => {
        number = seq;
        const body: DecisionPayload = {
          v: 1,
          door: door.id,
          decision: id,
          outcome: decision.outcome,
          reason: decision.reason,
          member: decision.member,
          mode: decision.mode,
          distance: decision.distance,
          threshold: decision.threshold,
          votes: decision.votes,
          ...(decision.liveness === undefined ? {} : { liveness: decision.liveness }),
          at,
          bootId: this.parts.bootId,
          journal,
          seq,
        };
        return {
          topic: this.parts.mqtt.topicOfEvent('decision', { door: door.id }, body),
          worth: decision.outcome,
          body,
        };
      });
    } catch (error) {
      this.parts.log.error('denied', {
        door: door.id,
        reason: 'store-unavailable',
        withheld: decision.outcome === 'granted',
        why: messageOf(error),
      });
      throw error;
    }
    return number;
  }
}
