import { UsherError } from '../../errors';
import { type Connection } from '../link/connection';
import { decode } from '../topics/decode';
import { MQTT_LIMITS } from '../topics/limits';
import { StatusPayload } from '../topics/payloads';
import { type Presence } from './presence';
import { type InboundPacket, type Will } from '../topics/wire';

export interface StatusLink {
  readonly live: Connection | null;
  renew(problem: UsherError): void;
}

/** Keeps the status topic of the device correct: it overwrites foreign messages, at a limited rate. */
export class StatusKeeper {
  private repairTimer: NodeJS.Timeout | null = null;

  constructor(
    readonly topic: string,
    private readonly presence: Presence,
    private readonly link: () => StatusLink,
  ) {}

  /** The last will of the next connection, which is born with it. */
  nextWill(): Will {
    this.presence.nextBirth();
    return { topic: this.topic, payload: JSON.stringify(this.presence.message('offline')) };
  }

  sayOnline(connection: Connection): void {
    // A failure is the end of the connection; the next one says it again.
    connection
      .send(this.topic, JSON.stringify(this.presence.message('online')), { qos: 1, retain: true })
      .catch(() => undefined);
  }

  async sayOffline(connection: Connection): Promise<void> {
    await connection.send(this.topic, JSON.stringify(this.presence.message('offline')), { qos: 1, retain: true });
  }

  hear({ payload }: InboundPacket): void {
    const seen = decode(StatusPayload, payload);
    switch (seen.ok ? this.presence.judge(seen.value) : 'stale') {
      case 'ours':
        this.cancelRepair();
        return;
      case 'ahead':
        this.link().renew(
          new UsherError('broker-failed', `${this.topic} holds a later status than the one that this box published`, {
            remedy: 'usher reconnects above it; if this repeats, two devices share one device.site and device.id',
          }),
        );
        return;
      case 'stale':
        // The late last will of an earlier connection, or another client's message.
        this.repairTimer ??= setTimeout(() => {
          this.repairTimer = null;
          const { live } = this.link();
          if (live !== null) this.sayOnline(live);
        }, MQTT_LIMITS.statusRepairMs);
    }
  }

  cancelRepair(): void {
    if (this.repairTimer !== null) clearTimeout(this.repairTimer);
    this.repairTimer = null;
  }
}
