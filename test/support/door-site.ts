import type { Decision } from '../../src/access/door-types';
import type { DoorKeeper } from '../../src/access/door/door-keeper';
import { PolicyKeeper } from '../../src/access/door/policy-keeper';
import { compilePolicy } from '../../src/access/policy/rules';
import type { Alarm } from '../../src/access/policy/types';
import { PolicyConfig } from '../../src/config/schema/policy';
import { DoorConfig } from '../../src/config/schema/doors';
import { Doors } from '../../src/daemon/doors/doors';
import { HealthBoard } from '../../src/daemon/health/health';
import { createLog } from '../../src/system/log';
import { ENCODER, faceAt, Members, observation } from './members';

/** Noon of a Monday. */
export const NOON = Date.UTC(2026, 0, 5, 12);

/** What stands in for journal and broker: it keeps what it is told, or fails as they would. */
export class FakeAnnouncer {
  readonly said: string[] = [];
  recovered = 0;
  /** What the next calls throw; null: nothing. */
  failure: Error | null = null;

  announce({ id }: DoorConfig, { outcome, reason, member, at }: Decision): void {
    this.fail();
    this.said.push(`${id} ${outcome} ${reason} ${member ?? '-'} at ${at}`);
  }

  alarm({ id }: DoorConfig, { kind, member }: Alarm): void {
    this.said.push(`${id} alarm ${kind} ${member ?? '-'}`);
  }

  recover(): void {
    this.fail();
    this.recovered++;
  }

  private fail(): void {
    if (this.failure !== null) throw this.failure;
  }
}

/**
 * The doors `front` (camera `cam`, reader `r`) and `back` (`cam2`, `q`) with real store, members, rules and automaton. The rules
 * know of `side` too, which is none of these doors'. The clock is the test's: the wall clock is `NOON` plus the monotonic one.
 */
export class DoorSite {
  now = 10_000;
  readonly members = new Members();
  readonly announcer = new FakeAnnouncer();
  readonly health = new HealthBoard((component, { state }) => void this.healthTold.push(`${component} ${state}`));
  readonly healthTold: string[] = [];
  readonly saved = { flush: jest.fn() };
  readonly policy: PolicyKeeper;
  readonly doors: Doors;
  log: string[] = [];

  constructor({ door = {}, policy = {} }: { door?: object; policy?: object } = {}) {
    jest.spyOn(Date, 'now').mockImplementation(() => NOON + this.now);
    const config = (id: string, camera: string, reader: string): DoorConfig =>
      DoorConfig.parse({ id, camera, readers: [reader], ...door });
    const [front, back, side] = [config('front', 'cam', 'r'), config('back', 'cam2', 'q'), config('side', 'cam3', 's')];
    this.policy = new PolicyKeeper(
      compilePolicy(PolicyConfig.parse(policy), [front, back, side]),
      (id) => this.members.roster.rightsOf(id),
      () => ({ mono: this.now, wall: NOON + this.now }),
    );
    this.doors = new Doors({
      doors: [front, back],
      table: ENCODER.thresholds,
      roster: this.members.roster,
      announcer: this.announcer,
      health: this.health,
      monotonicMs: () => this.now,
      log: createLog({ level: 'debug', format: 'text', write: (line) => void this.log.push(line) }),
      policy: this.policy,
      saved: this.saved,
    });
    for (const camera of ['cam', 'cam2']) this.doors.cameraLive(camera, true);
  }

  get front(): DoorKeeper {
    return this.doors.all[0]!;
  }

  get back(): DoorKeeper {
    return this.doors.all[1]!;
  }

  /** Frames 100 ms apart. */
  look(
    face: Float32Array | null,
    { frames = 3, ...options }: Parameters<typeof observation>[2] & { frames?: number } = {},
  ): void {
    for (let i = 0; i < frames; i++) this.doors.observe(observation((this.now += 100), face, options));
  }

  /** Card, and enough frames of this face for a grant. */
  enter(id: string, axis: number): void {
    this.doors.swipe('r', id);
    this.look(faceAt(axis));
  }

  /** What was announced since the last call. */
  said(): string[] {
    return this.announcer.said.splice(0);
  }

  logged(text: string): number {
    return this.log.filter((line) => line.includes(text)).length;
  }

  remove(): void {
    this.members.remove();
    jest.restoreAllMocks();
  }
}
