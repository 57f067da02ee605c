import { readFileSync } from 'node:fs';
import { commandKey, signCommand } from '../../../src/access/commands/sign-command';
import type { Heard } from '../../support/daemon';
import type { Dice } from './attacks';
import type { Ledger } from './storm-ledger';
import { ROOT, type StormSite } from './storm-site';

/**
 * Attacks by what a camera shows, and by orders, at the doors of the lane: one that goes by the face alone, one that verifies a card,
 * one that a card is enough for. They go on while messages rage at the other doors.
 */

/** A frame that is older does not count any more; the rest is for the way from there to the decision. */
const LATE_MS = 1000 + 500;
const BEFORE_MS = 2000;
const DECIDES_MS = 60_000;

export const LANE_DOORS = ['lane-face', 'lane-verify', 'lane-card'] as const;
export const LANE_ATTACKS = [
  'late frames',
  'frames in bursts',
  'frozen picture',
  'stranger at a grant by card',
  'lockdown until a time in the past',
] as const;
export type LaneAttack = (typeof LANE_ATTACKS)[number];

export interface LaneReport {
  /** By kind: how often it was tried. */
  readonly sent: Record<string, number>;
  /** Members who had to get in, and did. */
  members: number;
}

export class Lane {
  readonly report: LaneReport = { sent: {}, members: 0 };
  private orders = 0;

  constructor(
    private readonly site: StormSite,
    private readonly ledger: Ledger,
    private readonly dice: Dice,
  ) {}

  /** One attack, and a member after it, who must get in. */
  async attack(kind: LaneAttack): Promise<void> {
    const { camera } = this.site;
    try {
      await this.run(kind);
    } finally {
      camera.release();
      camera.show('empty');
    }
    this.report.sent[kind] = (this.report.sent[kind] ?? 0) + 1;
    await pause(BEFORE_MS);
    await this.member();
  }

  /**
   * No grant at the lane by a face but for a member who was there, moving, shortly before; and none by a swipe before which the last
   * picture was taken. To be called with all that was heard, each once.
   */
  check(heard: readonly Heard[]): void {
    for (const { topic, payload } of heard) {
      const door = LANE_DOORS.find((each) => topic === `${ROOT}/event/${each}/decision`);
      if (door === undefined || door === 'lane-card' || payload['outcome'] !== 'granted') continue;
      const at = Number(payload['at']);
      if (!this.site.camera.tookMember(at - LATE_MS, at))
        this.ledger.blame(`${door} granted although no member was there: ${JSON.stringify(payload)}`);
    }
  }

  private async run(kind: LaneAttack): Promise<void> {
    const { camera } = this.site;
    switch (kind) {
      case 'late frames': {
        // The member is seen on the way out only after the swipe of somebody else who found the card.
        camera.show('member');
        await pause(400);
        camera.hold();
        await pause(600 + this.dice.below(500));
        camera.show('empty');
        // So late that no picture of the member counts any more; not so late that the camera counts as stalled.
        await pause(1300 + this.dice.below(300));
        const decided = this.swipe('lane-verify', 'lane-reader');
        await pause(this.dice.below(300));
        camera.release();
        await this.expectDenied('late frames', await decided);
        return;
      }
      case 'frames in bursts': {
        camera.show('member');
        camera.hold();
        await pause(900);
        camera.show('stranger');
        await pause(1200);
        const decided = this.swipe('lane-verify', 'lane-reader');
        for (let burst = 0; burst < 4; burst++) {
          camera.release();
          camera.hold();
          await pause(400 + this.dice.below(700));
        }
        await this.expectDenied('frames in bursts', await decided);
        return;
      }
      case 'frozen picture': {
        camera.show('still');
        await pause(500);
        await this.expectDenied('a frozen picture', await this.swipe('lane-verify', 'lane-reader'));
        return;
      }
      case 'stranger at a grant by card': {
        camera.show('stranger');
        await pause(800);
        const { payload } = await this.swipe('lane-card', 'card-reader');
        if (payload['outcome'] !== 'granted') this.ledger.blame(`a card was not enough: ${JSON.stringify(payload)}`);
        else this.report.members++;
        await pause(1500);
        return;
      }
      case 'lockdown until a time in the past': {
        await this.order('lockdown', { doors: ['lane-card'] }, true);
        await this.order('lockdown', { doors: ['lane-card'], until: Date.now() - 1000 - this.dice.below(1e9) }, false);
        await this.order('reset-policy', {}, null);
        await this.expectDenied('a door that is locked down', await this.swipe('lane-card', 'card-reader'));
        await this.order('release-lockdown', { doors: ['lane-card'] }, true);
        return;
      }
    }
  }

  /** A member who walks up is let in by the face alone, then by card and face, then by the card. */
  private async member(): Promise<void> {
    const { camera } = this.site;
    const from = this.site.watcher.heard.length;
    camera.show('member');
    await this.decision('lane-face', from, ({ payload }) => payload['outcome'] === 'granted');
    const verified = await this.swipe('lane-verify', 'lane-reader');
    const carded = await this.swipe('lane-card', 'card-reader');
    for (const { payload } of [verified, carded])
      if (payload['outcome'] !== 'granted') this.ledger.blame(`a member was not let in: ${JSON.stringify(payload)}`);
    this.report.members += 3;
    camera.show('empty');
    await pause(BEFORE_MS);
  }

  private async expectDenied(what: string, { payload }: Heard): Promise<void> {
    if (payload['outcome'] === 'granted') this.ledger.blame(`${what} opened: ${JSON.stringify(payload)}`);
    return Promise.resolve();
  }

  private async swipe(door: string, reader: string): Promise<Heard> {
    const from = this.site.watcher.heard.length;
    await this.site.watcher.say(`${ROOT}/in/${reader}/swipe`, this.site.swipe(reader));
    return this.decision(door, from);
  }

  private decision(door: string, from: number, holds: (heard: Heard) => boolean = () => true): Promise<Heard> {
    return this.site.watcher.hears(
      `a decision at ${door}`,
      (heard) => heard.topic === `${ROOT}/event/${door}/decision` && holds(heard),
      DECIDES_MS,
      from,
    );
  }

  /** @param good whether it must be followed; null: either */
  private async order(verb: string, args: Record<string, unknown>, good: boolean | null): Promise<void> {
    const { watcher } = this.site;
    const key = commandKey(readFileSync(this.site.pathOf('site.pem'), 'utf8'));
    const id = `storm-${++this.orders}`;
    const from = watcher.heard.length;
    const scope = { site: 'gym', device: 'box' };
    const payload = signCommand(key, scope, verb, { id, args }, { issuedAt: Date.now(), lifeMs: 30_000 });
    await watcher.say(`${ROOT}/command/${verb}`, payload);
    const answer = await watcher.hears(
      `an answer to ${verb}`,
      (heard) => heard.topic === `${ROOT}/command/result` && heard.payload['id'] === id,
      DECIDES_MS,
      from,
    );
    const followed = answer.payload['ok'] === true;
    if (good !== null && followed !== good)
      this.ledger.blame(
        `${verb} ${JSON.stringify(args)} was ${followed ? '' : 'not '}followed: ${JSON.stringify(answer.payload)}`,
      );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
