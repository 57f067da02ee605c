import { messageOf, UsherError } from '../../errors';
import { type HealthPayload } from '../../mqtt/topics/payloads';
import { secrets } from '../../secrets';

/** Condition of one component; the payload of its health topic. */
export interface ComponentHealth {
  readonly state: 'starting' | 'ok' | 'degraded' | 'failed';
  /** Epoch ms of the last real progress: a frame, a commit, an acknowledged message. */
  readonly lastProgressAt: number | null;
  readonly detail: string | null;
  readonly remedy: string | null;
  /** Only for a microphone. */
  readonly sound?: HealthPayload['sound'];
  /** Only for a camera. */
  readonly picture?: HealthPayload['picture'];
}

export const STARTING: ComponentHealth = { state: 'starting', lastProgressAt: null, detail: null, remedy: null };

/** A `failed` condition with the error's message and remedy. */
export function failedBecause(error: unknown, lastProgressAt: number | null = null): ComponentHealth {
  return {
    state: 'failed',
    lastProgressAt,
    detail: messageOf(error),
    remedy: error instanceof UsherError ? (error.remedy ?? null) : null,
  };
}

/**
 * Removes passwords: messages of children and libraries are published and retained, and may contain an address with a
 * password.
 */
export function withoutSecrets(health: ComponentHealth): ComponentHealth {
  const { detail, remedy } = health;
  return {
    ...health,
    detail: detail === null ? null : secrets.hide(detail),
    remedy: remedy === null ? null : secrets.hide(remedy),
  };
}

/** Not allowed as names of cameras or microphones: these components have health topics of their own. */
export const COMPONENTS = ['broker', 'store', 'models', 'clock', 'retention'] as const;

/** The condition of every component. Calls `changed` when anything but the time of the last progress changes. */
export class HealthBoard {
  private readonly components = new Map<string, ComponentHealth>();

  constructor(private readonly changed: (component: string, health: ComponentHealth) => void) {}

  set(component: string, reported: ComponentHealth): void {
    const health = withoutSecrets(reported);
    const before = this.components.get(component);
    this.components.set(component, health);
    const same =
      before !== undefined &&
      before.state === health.state &&
      before.detail === health.detail &&
      before.remedy === health.remedy &&
      before.sound?.hearing === health.sound?.hearing &&
      before.picture?.trouble === health.picture?.trouble;
    if (!same) this.changed(component, health);
  }

  entries(): IterableIterator<[string, ComponentHealth]> {
    return this.components.entries();
  }

  get(component: string): ComponentHealth {
    return this.components.get(component) ?? STARTING;
  }
}
