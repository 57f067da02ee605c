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
  /** The box published that it is online, or its last will says that it is offline. */
  box(online: boolean): void;
  /** Connected and subscribed. */
  up(): void;
  changed(health: LinkHealth): void;
}

/**
 * An actuator's connection: subscribes to one topic, publishes its health on another, and sends to a relay on MQTT.
 * Every connection is a new client without a persistent session, QoS 0, so that nothing published while it was offline
 * arrives.
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
          // Only for the health report: access rules that forbid this topic do not keep the door shut.
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

  /** Reports that it stops on purpose, then closes, within the limit for stopping. */
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
    // A failure means that the connection ends. The next connection publishes it again.
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
  detail: 'the actuator is not connected, so unlocks do not open the door',
  remedy: 'Check its process (systemctl status usher-actuator) and its connection to the broker.',
};

const STOPPED: ComponentHealth = {
  state: 'failed',
  lastProgressAt: null,
  detail: 'the actuator was stopped, so unlocks do not open the door',
  remedy: 'Start it: systemctl start usher-actuator',
};
