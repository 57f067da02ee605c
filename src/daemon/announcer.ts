import { randomBytes, randomUUID } from 'node:crypto';
import type { DeviceKey } from '../access/device-key';
import type { Decision } from '../access/door-types';
import { signUnlock } from '../access/unlock';
import type { DoorConfig } from '../config/schema';
import type { MqttClient } from '../mqtt/client';
import type { Log } from '../system/log';

/**
 * Says a door's decisions on MQTT and in the log. The unlock goes first: somebody is waiting at the door, nobody is waiting
 * for the record.
 */
export class Announcer {
  private seq = 0;

  constructor(
    private readonly mqtt: Pick<MqttClient, 'publish'>,
    private readonly bootId: string,
    private readonly key: DeviceKey,
    private readonly unlockLifeMs: number,
    private readonly monotonicMs: () => number,
    private readonly log: Log,
  ) {}

  announce(door: DoorConfig, decision: Decision): void {
    const id = randomUUID();
    const seq = ++this.seq;
    const now = Date.now();
    const at = Math.round(now - (this.monotonicMs() - decision.at));
    if (decision.outcome === 'granted') {
      const outcome = this.mqtt.publish(
        'unlock',
        { door: door.id },
        signUnlock(
          {
            v: 1,
            door: door.id,
            decision: id,
            issuedAt: now,
            notAfter: now + this.unlockLifeMs,
            bootId: this.bootId,
            seq,
            nonce: randomBytes(16).toString('hex'),
            durationMs: door.unlockMs,
          },
          this.key,
        ),
      );
      if (outcome !== 'sent')
        this.log.error('granted, but the broker is not connected: the unlock was not sent', { door: door.id });
    }
    this.mqtt.publish(
      'decision',
      { door: door.id },
      {
        v: 1,
        door: door.id,
        decision: id,
        outcome: decision.outcome,
        reason: decision.reason,
        member: decision.member,
        mode: door.mode,
        distance: decision.distance,
        threshold: decision.threshold,
        votes: decision.votes,
        at,
        bootId: this.bootId,
        seq,
      },
    );
    this.log.info(decision.outcome, {
      door: door.id,
      reason: decision.reason,
      votes: decision.votes,
      distance: decision.distance === null ? null : Number(decision.distance.toFixed(3)),
      threshold: Number(decision.threshold.toFixed(3)),
      waitedMs: Math.round(decision.at - decision.since),
    });
  }
}
