import type { Log, LogFields } from '../../system/log';
import type { ComponentHealth } from './health';

/**
 * A fault that lasts is logged again after these times, then at the last interval: a log that repeats itself too often
 * is not read.
 */
const AGAIN_MS = [60_000, 300_000, 900_000, 3_600_000] as const;
/**
 * After this time without fault the next fault counts as new. Until then a component that fails again and again is not
 * logged each time.
 */
const SETTLED_MS = 60_000;
/** After this time from the start, components that are not ready are named. */
const WAITING_MS = 10_000;

interface Reported {
  readonly since: number;
  /** How often this fault was logged. */
  times: number;
  nextAt: number;
  wellSince: number | null;
  worst: 'degraded' | 'failed';
  everWell: boolean;
}

/**
 * Logs the faults of all components in one way: cause and remedy at once, again at growing intervals, and the end. The
 * first failure of a component that never worked is an error, and so is a lasting fault; the loss of a working
 * component is a warning with its reason. Each step is a function of state and the given monotonic time.
 */
export class HealthLog {
  private readonly health = new Map<string, ComponentHealth>();
  private readonly lastReported = new Map<string, Reported>();
  private readonly well = new Set<string>();
  private waited = { times: 0, nextAt: WAITING_MS };
  private ready = false;

  /** @param labelOf the component's name for a person: `camera front` */
  constructor(
    private readonly log: Log,
    private readonly labelOf: (component: string) => string,
    private readonly startedAt: number,
  ) {}

  changed(component: string, health: ComponentHealth, now: number): void {
    this.health.set(component, health);
    if (health.state === 'ok') return this.becameWell(component, now);
    const worst = faultOf(health);
    if (worst === null) return;
    const reported = this.lastReported.get(component);
    if (reported === undefined || (reported.wellSince !== null && now - reported.wellSince >= SETTLED_MS)) {
      const fresh = { since: now, times: 0, nextAt: now, wellSince: null, worst };
      this.lastReported.set(component, { ...fresh, everWell: this.well.has(component) });
    } else {
      reported.wellSince = null;
      // A worse state is logged at once.
      if (worst === 'failed' && reported.worst === 'degraded') {
        reported.worst = 'failed';
        reported.nextAt = now;
      }
    }
    this.say(component, now);
  }

  /** Call it about once a second. */
  tick(now: number): void {
    for (const component of this.lastReported.keys()) this.say(component, now);
    if (!this.ready && now - this.startedAt >= this.waited.nextAt) this.sayWaiting(now);
  }

  /** Everything is ready: nothing to wait for any more. */
  allReady(): void {
    this.ready = true;
  }

  private becameWell(component: string, now: number): void {
    this.well.add(component);
    const reported = this.lastReported.get(component);
    if (reported === undefined || reported.wellSince !== null) return;
    reported.wellSince = now;
    if (reported.times > 0)
      this.log.info(`${this.labelOf(component)}: works again`, { afterS: Math.round((now - reported.since) / 1000) });
  }

  private say(component: string, now: number): void {
    const reported = this.lastReported.get(component);
    const health = this.health.get(component);
    if (reported === undefined || health === undefined || reported.wellSince !== null || now < reported.nextAt) return;
    const fault = faultOf(health);
    if (fault === null) return;
    const fields: LogFields = {
      ...(health.remedy === null ? {} : { remedy: health.remedy }),
      ...(reported.times === 0 ? {} : { forS: Math.round((now - reported.since) / 1000) }),
    };
    const message = `${this.labelOf(component)}: ${health.detail ?? health.state}`;
    const lost = reported.times === 0 && reported.everWell;
    if (fault === 'degraded' || lost) this.log.warn(message, fields);
    else this.log.error(message, fields);
    reported.nextAt = now + (AGAIN_MS[Math.min(reported.times, AGAIN_MS.length - 1)] ?? 0);
    reported.times++;
  }

  private sayWaiting(now: number): void {
    const parts = [...this.health].filter(([, { state }]) => state === 'starting' || state === 'failed');
    const { times } = this.waited;
    const after = AGAIN_MS[Math.min(times, AGAIN_MS.length - 1)] ?? 0;
    this.waited = { times: times + 1, nextAt: now - this.startedAt + after };
    if (parts.length === 0) return;
    const names = parts.map(([component, { state }]) => `${this.labelOf(component)} (${state})`);
    this.log.warn(`not ready yet, waiting for ${names.join(', ')}`, {
      afterS: Math.round((now - this.startedAt) / 1000),
    });
  }
}

/** A component that is starting and gives a reason counts as failed. */
function faultOf({ state, detail }: ComponentHealth): 'degraded' | 'failed' | null {
  if (state === 'ok') return null;
  if (state === 'starting') return detail === null ? null : 'failed';
  return state;
}

/** The configured names of the parts, for people. */
export function labels({
  cameras,
  microphones,
}: {
  readonly cameras: readonly { readonly id: string }[];
  readonly microphones: readonly { readonly id: string }[];
}): (component: string) => string {
  const names = new Map([
    ...cameras.map(({ id }) => [id, `camera ${id}`] as const),
    ...microphones.map(({ id }) => [id, `microphone ${id}`] as const),
  ]);
  return (component) => names.get(component) ?? component;
}
