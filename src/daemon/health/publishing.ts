import type { DoorKeeper } from '../../access/door/door-keeper';
import type { Activation, VisionReady, VoiceReady } from '../../events';
import type { MqttClient } from '../../mqtt/client/client';
import type { LinkHealth } from '../../mqtt/link/link';
import type { PublishOutcome } from '../../mqtt/client/publisher';
import type { ModelSet } from '../../vision/faces/load';
import type { ComponentHealth } from './health';

type Publisher = Pick<MqttClient, 'publish'>;

const FALLBACK_WARNING =
  'The fallback face models are running: at a false-match rate of 1e-4 on LFW they miss 38 % of the members (the recommended models miss 1 %).';
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
      ...(health.sound === undefined ? {} : { sound: health.sound }),
      ...(health.picture === undefined ? {} : { picture: health.picture }),
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

export function publishWords(mqtt: Publisher, { microphone, words, models, at }: VoiceReady): void {
  mqtt.publish(
    'wordsState',
    { microphone },
    {
      v: 1,
      microphone,
      words: [...words],
      models: models.map((model) => ({ ...model, providersAsked: [...model.providersAsked] })),
      at,
    },
  );
}

/**
 * Publishes an activation now or not at all. It is not journaled: it admits no one, and people in a room have not
 * agreed to a record of what they say.
 */
export function publishActivation(
  mqtt: Publisher,
  activation: Activation,
  { lifeMs, bootId, now }: { readonly lifeMs: number; readonly bootId: string; readonly now: number },
): PublishOutcome | 'late' {
  const { microphone, word, model, score, startAt, endAt, at } = activation;
  const notAfter = at + lifeMs;
  if (notAfter <= now) return 'late';
  const payload = { v: 1 as const, microphone, word, model, score, startAt, endAt, at, notAfter, bootId };
  return mqtt.publish('activation', { microphone }, payload);
}

/** Publishes the phase of each door, and whether it stands open, after a change. */
export class PhasePublisher {
  private readonly published = new Map<string, string>();

  constructor(
    private readonly mqtt: Publisher,
    private readonly doors: readonly DoorKeeper[],
    private readonly monotonicMs: () => number,
    /** From its contact; undefined if it has not reported. */
    private readonly openOf: (door: string) => boolean | undefined = () => undefined,
  ) {}

  publishChanges(): void {
    for (const keeper of this.doors) {
      const door = keeper.door.id;
      const state = keeper.phase(this.monotonicMs());
      const open = this.openOf(door);
      const published = `${state} ${open}`;
      if (this.published.get(door) === published) continue;
      this.published.set(door, published);
      const leaf = open === undefined ? {} : { open };
      this.mqtt.publish('doorState', { door }, { v: 1, door, state, ...leaf, at: Date.now() });
    }
  }
}

/**
 * Reports the fallback set as degraded, so that it does not run unnoticed. @param set null for a box without cameras
 */
export function modelsHealth(set: ModelSet | null): ComponentHealth {
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
