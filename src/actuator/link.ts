import type { RelayPublish } from './switch/mqtt-switch';
import { MQTT_LIMITS } from '../mqtt/topics/limits';
import { Link, type LinkHealth } from '../mqtt/link/link';
import { decode } from '../mqtt/topics/decode';
import { type HealthPayload, StatusPayload } from '../mqtt/topics/payloads';
import { topicOf } from '../mqtt/topics/topic-names';
import type { InboundPacket } from '../mqtt/topics/wire';
import type { ActuatorConfig } from './config/schema';
import { type ComponentHealth, withoutSecrets } from '../daemon/health/health';

const MAX_STATUS_BYTES = 2048;

export interface ActuatorLinkEvents {
  /** A message on the door's unlock topic. */
  unlock(packet: InboundPacket): void;
  /** The box that is obeyed has said that it is there, or its last will that it is not. */
  box(online: boolean): void;
  /** Connected and subscribed. */
  up(): void;
  changed(health: LinkHealth): void;
}

/**
 * An actuator's connection: hears one topic, says its health on another, and sends to a relay that is on MQTT. A new client for
 * every connection, never a lasting session, QoS 0: what was published while it was away is not for it.
 */
export class ActuatorLink {
  private readonly link: Link;
  private readonly unlockTopic: string;
  private readonly healthTopic: string;
  private readonly statusTopic: string;
  private health: ComponentHealth | null = null;

  constructor(
    config: ActuatorConfig,
    private readonly component: string,
    private readonly events: ActuatorLinkEvents,
  ) {
    const base = { site: config.device.site, device: config.device.id, discoveryPrefix: 'homeassistant' };
    this.unlockTopic = topicOf('unlock', { door: config.door }, base);
    this.statusTopic = topicOf('status', {}, base);
    this.healthTopic = topicOf('health', { component }, base);
    this.link = new Link(
      {
        ...config.broker,
        named: 'actuator',
        clientId: `usher-${base.site}-${base.device}-${component}`,
        limits: MQTT_LIMITS,
        random: Math.random,
      },
      {
        will: () => ({ topic: this.healthTopic, payload: JSON.stringify(this.payloadOf(GONE)) }),
        up: (connection) => {
          connection.subscribe([{ filter: this.unlockTopic, qos: 0 }]).then(
            () => this.events.up(),
            (error: unknown) => this.link.complain(error),
          );
          // For its health alone: rules that keep it from the actuator do not keep the door shut.
          connection.subscribe([{ filter: this.statusTopic, qos: 0 }]).catch(() => undefined);
          this.sendHealth();
        },
        message: (packet) => {
          if (packet.topic === this.unlockTopic) this.events.unlock(packet);
          else if (packet.topic === this.statusTopic) this.hearStatus(packet);
        },
        changed: (health) => this.events.changed(health),
      },
    );
  }

  get connected(): boolean {
    return this.link.live !== null;
  }

  get state(): LinkHealth {
    return this.link.health;
  }

  start(): void {
    this.link.start();
  }

  /** Says that it is stopped on purpose, then closes; within the limit for stopping. */
  stop(): Promise<void> {
    return this.link.stop(async (connection) => {
      const payload = JSON.stringify(this.payloadOf(STOPPED));
      await connection.send(this.healthTopic, payload, { qos: 1, retain: true });
    });
  }

  sayHealth(health: ComponentHealth): void {
    this.health = withoutSecrets(health);
    this.sendHealth();
  }

  /** For a relay on MQTT. */
  readonly publish: RelayPublish = ({ topic, payload }, qos) => {
    const connection = this.link.live;
    if (connection === null) return Promise.reject(new Error('the broker is not connected'));
    return connection.send(topic, payload, { qos, retain: false });
  };

  private hearStatus({ payload }: InboundPacket): void {
    const status = decode(StatusPayload, payload, MAX_STATUS_BYTES);
    if (status.ok) this.events.box(status.value.state === 'online');
  }

  private sendHealth(): void {
    const { health } = this;
    if (health === null) return;
    // A failure is the end of the connection; the next one says it again.
    this.link.live
      ?.send(this.healthTopic, JSON.stringify(this.payloadOf(health)), { qos: 1, retain: true })
      .catch(() => undefined);
  }

  private payloadOf({ state, lastProgressAt, detail, remedy }: ComponentHealth): HealthPayload {
    const at = Math.max(0, Date.now());
    return {
      v: 1,
      component: this.component,
      state,
      at,
      lastProgressAt,
      progressAgeMs: lastProgressAt === null ? null : Math.max(0, at - lastProgressAt),
      detail: detail?.slice(0, 1024) ?? null,
      remedy: remedy?.slice(0, 1024) ?? null,
    };
  }
}

const GONE: ComponentHealth = {
  state: 'failed',
  lastProgressAt: null,
  detail: 'the actuator is not connected: unlocks open nothing',
  remedy: 'Look at its process (systemctl status usher-actuator) and its way to the broker.',
};

const STOPPED: ComponentHealth = {
  state: 'failed',
  lastProgressAt: null,
  detail: 'the actuator was stopped: unlocks open nothing',
  remedy: 'Start it: systemctl start usher-actuator',
};
