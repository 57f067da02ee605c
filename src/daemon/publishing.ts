import type { DoorKeeper } from '../access/keeper';
import type { VisionReady } from '../events';
import type { MqttClient } from '../mqtt/client';
import type { LinkHealth } from '../mqtt/link';
import type { ModelSet } from '../vision/load';
import type { ComponentHealth } from './health';

type Publisher = Pick<MqttClient, 'publish'>;

const FALLBACK_WARNING =
  'The fallback face models are running: at a false-match rate of 1e-4 on LFW they miss 38 % of the members (the recommended ones 1 %).';
const FALLBACK_REMEDY = 'Fetch the recommended models: usher models pull';

export function publishHealth(mqtt: Publisher, component: string, health: ComponentHealth): void {
  const now = Date.now();
  mqtt.publish(
    'health',
    { component },
    {
      v: 1,
      component,
      state: health.state,
      at: now,
      lastProgressAt: health.lastProgressAt,
      progressAgeMs: health.lastProgressAt === null ? null : Math.max(0, now - health.lastProgressAt),
      detail: health.detail?.slice(0, 1024) ?? null,
      remedy: health.remedy?.slice(0, 1024) ?? null,
    },
  );
}

export function publishModels(mqtt: Publisher, ready: VisionReady): void {
  mqtt.publish(
    'modelState',
    { camera: ready.camera },
    {
      v: 1,
      camera: ready.camera,
      space: ready.space,
      models: ready.models.map((model) => ({ ...model, providersAsked: [...model.providersAsked] })),
      at: ready.at,
    },
  );
}

/** Publishes the phase of each door when it has changed since the last call. */
export class PhasePublisher {
  private readonly published = new Map<string, string>();

  constructor(
    private readonly mqtt: Publisher,
    private readonly doors: readonly DoorKeeper[],
    private readonly monotonicMs: () => number,
  ) {}

  publishChanges(): void {
    for (const keeper of this.doors) {
      const door = keeper.door.id;
      const state = keeper.phase(this.monotonicMs());
      if (this.published.get(door) === state) continue;
      this.published.set(door, state);
      this.mqtt.publish('doorState', { door }, { v: 1, door, state, at: Date.now() });
    }
  }
}

/** A door must not run on the fallback unknowingly. */
export function modelsHealth(set: ModelSet): ComponentHealth {
  const fallback = set === 'fallback';
  return {
    state: fallback ? 'degraded' : 'ok',
    lastProgressAt: Date.now(),
    detail: fallback ? FALLBACK_WARNING : null,
    remedy: fallback ? FALLBACK_REMEDY : null,
  };
}

export function brokerHealth(link: LinkHealth): ComponentHealth {
  const connected = link.state === 'connected';
  return {
    state: connected ? (link.problem === null ? 'ok' : 'degraded') : link.state === 'failed' ? 'failed' : 'starting',
    lastProgressAt: connected ? Date.now() : null,
    detail: link.problem?.message ?? null,
    remedy: link.problem?.remedy ?? null,
  };
}
