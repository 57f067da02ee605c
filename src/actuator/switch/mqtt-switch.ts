import type { Switch } from './relay';

export interface RelayMessage {
  readonly topic: string;
  readonly payload: string;
}

/** The messages of one make of relay. They are sent in order and never retained. */
export interface MqttDialect {
  on(maxMs: number): readonly RelayMessage[];
  off(): readonly RelayMessage[];
}

/** Rejects if there is no connection or the broker does not acknowledge. */
export type RelayPublish = (message: RelayMessage, qos: 0 | 1) => Promise<void>;

/**
 * A relay on MQTT. `on` is sent with QoS 0: a broker that stores it for a relay that is offline would open the door
 * when the relay returns. `off` is sent with QoS 1: it may arrive late, but it must arrive.
 */
export class MqttSwitch implements Switch {
  constructor(
    private readonly dialect: MqttDialect,
    private readonly publish: RelayPublish,
  ) {}

  async on(maxMs: number): Promise<void> {
    for (const message of this.dialect.on(maxMs)) await this.publish(message, 0);
  }

  async off(): Promise<void> {
    for (const message of this.dialect.off()) await this.publish(message, 1);
  }
}

/**
 * Tasmota. `PulseTime` switches the relay off by itself. The setting is in flash memory, so it always has the same
 * value and is written only once. 1..111 are tenths of a second, from 112 on seconds plus 100.
 */
export function tasmota({ topic, relay }: { readonly topic: string; readonly relay: number }): MqttDialect {
  const command = (name: string, payload: string): RelayMessage => ({
    topic: `cmnd/${topic}/${name}${relay}`,
    payload,
  });
  return {
    on: (maxMs) => [command('PulseTime', String(tasmotaPulseTime(maxMs))), command('POWER', 'ON')],
    off: () => [command('POWER', 'OFF')],
  };
}

/** @returns the value of Tasmota's `PulseTime` for a time, rounded up */
export function tasmotaPulseTime(ms: number): number {
  return ms <= 11_100 ? Math.max(1, Math.ceil(ms / 100)) : 100 + Math.ceil(ms / 1000);
}

/** Shelly, generation 2 and later: RPC over MQTT, `Switch.Set` with `toggle_after` seconds. */
export function shelly({ topic, switchId }: { readonly topic: string; readonly switchId: number }): MqttDialect {
  const set = (params: object): RelayMessage => ({
    topic: `${topic}/rpc`,
    payload: JSON.stringify({ id: 1, src: 'usher', method: 'Switch.Set', params: { id: switchId, ...params } }),
  });
  return {
    on: (maxMs) => [set({ on: true, toggle_after: maxMs / 1000 })],
    off: () => [set({ on: false })],
  };
}

/** Zigbee2MQTT: `on_time` in seconds, where the switch's firmware supports it. */
export function zigbee2mqtt({ topic, state }: { readonly topic: string; readonly state: string }): MqttDialect {
  const set = (payload: object): RelayMessage => ({ topic: `${topic}/set`, payload: JSON.stringify(payload) });
  return {
    on: (maxMs) => [set({ [state]: 'ON', on_time: Math.ceil(maxMs / 1000) })],
    off: () => [set({ [state]: 'OFF' })],
  };
}

/**
 * Any device that takes two fixed payloads on one topic, such as a lock of Home Assistant (`UNLOCK`, `LOCK`). It cannot
 * lock by itself.
 */
export function commandTopic(options: {
  readonly topic: string;
  readonly unlockPayload: string;
  readonly lockPayload: string;
}): MqttDialect {
  return {
    on: () => [{ topic: options.topic, payload: options.unlockPayload }],
    off: () => [{ topic: options.topic, payload: options.lockPayload }],
  };
}
