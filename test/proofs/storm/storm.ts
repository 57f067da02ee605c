import { readFileSync } from 'node:fs';
import { openDeviceKey } from '../../../src/access/keys/device-key';
import { commandKey } from '../../../src/access/commands/sign-command';
import type { Unlock } from '../../../src/access/keys/unlock';
import { COMMAND_ATTACKS, Dice, type Recording, type Scene, SWIPE_ATTACKS, UNLOCK_ATTACKS } from './attacks';
import type { Heard } from '../../support/daemon';
import { Lane, LANE_ATTACKS } from './storm-lane';
import { Ledger, refusalsIn } from './storm-ledger';
import { RESTART_ATTACKS, RestartAttacks } from './storm-restarts';
import { type Door, READERS, ROOT, StormSite, UNLOCK_LIFE_MS } from './storm-site';

export interface StormOptions {
  /** Attack messages to send. */
  readonly messages: number;
  readonly seed: number;
  /** Messages of one wave, in the midst of which members come. */
  readonly perWave?: number;
  /** Restarts of each during the storm, evenly spread; by kill -9, all of them. */
  readonly restarts: { readonly broker: number; readonly actuator: number; readonly box: number };
  /** Attacks by what the camera shows and by orders, in turn; beside the messages. */
  readonly lane: number;
  readonly progress?: (line: string) => void;
}

export interface StormReport {
  readonly sent: Readonly<Record<string, number>>;
  /** Kinds that this machine cannot try, and why. */
  readonly skipped: readonly string[];
  /** Messages. */
  readonly attacks: number;
  readonly members: number;
  /** Cards that got no answer at first, for they came in the midst of a flood on the topic of their reader. */
  readonly presentedAgain: number;
  /** Unlocks of the door that reached its actuator in time, and those that were held up until they were void. */
  readonly unlocksIssued: number;
  readonly unlocksLate: number;
  readonly opened: number;
  readonly relayOn: number;
  readonly refused: Readonly<Record<string, number>>;
  /** From a member's swipe to the opening, the worst of all. */
  readonly slowestMs: number;
  readonly restarts: StormOptions['restarts'];
  readonly seconds: number;
  /** Anything that should not have been: must be empty. */
  readonly violations: readonly string[];
}

/** A member without an answer presents the card again. */
const AGAIN_MS = 4000;
const ATTEMPTS = 5;

/**
 * A real daemon, a real actuator and mosquitto, under a flood of recorded, retained, delayed, duplicated, reordered, altered,
 * forged, cross-door and cross-boot unlocks and swipes, while members come in. Each member must get in, once; nothing else may
 * come to a decision or open.
 */
export class Storm {
  private readonly site = new StormSite();
  private readonly ledger = new Ledger();
  private readonly dice: Dice;
  private readonly recording: Recording = { unlocks: [], otherDoor: [], swipes: [], overtaken: [] };
  private readonly sent: Record<string, number> = {};
  private scene!: Scene;
  /** Messages that the running actuator has to refuse. */
  private sentToLock = 0;
  private members = 0;
  private slowestMs = 0;
  private relayOn = 0;
  private readonly lane: Lane;
  /** The attack on the lane that goes on just now. */
  private onLane: Promise<void> | null = null;
  private lanes = 0;
  private readonly restartAttacks: RestartAttacks;
  private boxRestarts = 0;
  private presentedAgain = 0;

  constructor(private readonly options: StormOptions) {
    this.dice = new Dice(options.seed);
    this.lane = new Lane(this.site, this.ledger, new Dice(options.seed + 1));
    this.restartAttacks = new RestartAttacks(this.site, this.ledger);
  }

  async run(): Promise<StormReport> {
    const began = performance.now();
    const { site, ledger } = this;
    try {
      await site.begin();
      await this.rage();
      await this.closeRun();
      this.relayOn = site.actuator.openings;
      ledger.checkOpenings(this.relayOn);
    } finally {
      await site.end();
    }
    return {
      sent: { ...this.sent, ...this.lane.report.sent, ...this.restartAttacks.sent },
      skipped: this.restartAttacks.skipped,
      attacks: Object.values(this.sent).reduce((sum, count) => sum + count, 0),
      members: this.members + this.lane.report.members,
      presentedAgain: this.presentedAgain,
      unlocksIssued: ledger.inTime,
      unlocksLate: ledger.late.size,
      opened: ledger.opened.length,
      relayOn: this.relayOn,
      refused: ledger.refused,
      slowestMs: Math.round(this.slowestMs),
      restarts: site.restarts,
      seconds: Math.round((performance.now() - began) / 1000),
      violations: ledger.violations,
    };
  }

  /** Takes down whatever is up; for who ends the storm from outside. */
  end(): Promise<void> {
    return this.site.end();
  }

  private async rage(): Promise<void> {
    this.scene = {
      root: ROOT,
      door: 'front',
      readers: READERS,
      cameras: ['cam', 'lane', 'none'],
      strangersKey: commandKey(readFileSync(this.site.pathOf('stranger.pem'), 'utf8')),
      recording: this.recording,
      stranger: openDeviceKey(this.site.pathOf('stranger')),
      dice: this.dice,
      now: Date.now,
    };
    await this.member('front');
    await this.member('side');
    const { messages, perWave = 1000, progress } = this.options;
    const waves = Math.ceil(messages / perWave);
    for (let wave = 0; wave < waves; wave++) {
      this.attackLane(wave, waves);
      await this.wave(Math.min(perWave, messages - wave * perWave), wave % 5 === 2);
      await this.restartWhatIsDue(wave, waves);
      if (wave + 1 === waves) await this.restOnLane();
      if (this.onLane === null) this.checkHeard(wave + 1 === waves);
      if (wave % 10 === 9) progress?.(`${(wave + 1) * perWave} sent, ${this.members} members came in`);
    }
  }

  /** Begins the next attack on the lane where one is due and none goes on. */
  private attackLane(wave: number, waves: number): void {
    const due = Math.ceil(((wave + 1) * this.options.lane) / waves);
    if (this.onLane !== null || this.lanes >= due) return;
    const kind = LANE_ATTACKS[this.lanes++ % LANE_ATTACKS.length]!;
    this.onLane = this.lane
      .attack(kind)
      .catch((error: unknown) =>
        this.ledger.blame(`${kind}: ${error instanceof Error ? error.message : String(error)}`),
      )
      .finally(() => (this.onLane = null));
  }

  /** The waves were over before all attacks on the lane had their turn. */
  private async restOnLane(): Promise<void> {
    for (;;) {
      await this.onLane;
      if (this.lanes >= this.options.lane) return;
      this.attackLane(0, 1);
    }
  }

  private checkHeard(last: boolean): void {
    const { heard } = this.site.watcher;
    this.ledger.checkDecisions(heard);
    this.lane.check(heard);
    // Nothing that was heard so far is needed any more; a long storm would fill the memory with it.
    if (!last) heard.length = 0;
  }

  /** So many attacks, and in the midst of them members. */
  private async wave(messages: number, late: boolean): Promise<void> {
    const flood = this.flood(messages);
    await this.member('front');
    if (this.dice.below(4) === 0) await this.member('side');
    await this.member('front');
    await flood;
    if (late) await this.lateMember();
    await this.judged();
  }

  private async flood(messages: number): Promise<void> {
    const kinds = [
      ...Object.entries(UNLOCK_ATTACKS).map(([name, make]) => ({ name, make, unlock: true })),
      ...Object.entries(SWIPE_ATTACKS).map(([name, make]) => ({ name, make, unlock: false })),
      ...Object.entries(COMMAND_ATTACKS).map(([name, make]) => ({ name, make, unlock: false })),
    ];
    for (let left = messages; left > 0; left -= 50) {
      await Promise.all(
        Array.from({ length: Math.min(50, left) }, () => {
          const { name, make, unlock } = this.dice.of(kinds);
          const { topic, payload, retain } = make(this.scene);
          this.sent[name] = (this.sent[name] ?? 0) + 1;
          if (unlock) this.sentToLock++;
          return this.site.watcher.say(topic, payload, { retain: retain ?? false });
        }),
      );
    }
  }

  /** A member comes to the door: swipes, is seen, must get in. */
  private async member(door: Door): Promise<void> {
    const began = performance.now();
    const id = await this.grantFor(door);
    if (id === null || door !== 'front') return;
    const deadline = performance.now() + 5000;
    while (!this.site.lock.log.includes(`decision=${id}`)) {
      if (performance.now() > deadline) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
  }

  /** The way to the lock is held up until the member's unlock is void: whoever stands there then must not get in by it. */
  private async lateMember(): Promise<void> {
    const { process } = this.site.lock;
    process.kill('SIGSTOP');
    try {
      const id = await this.grantFor('front');
      if (id !== null) {
        this.ledger.late.add(id);
        this.sentToLock++;
      }
      await new Promise((resolve) => setTimeout(resolve, UNLOCK_LIFE_MS + 300));
    } finally {
      process.kill('SIGCONT');
    }
  }

  /** Swipe, decision, unlock. @returns the decision's id, or null when it was no grant, which is a violation */
  private async grantFor(door: Door): Promise<string | null> {
    const { recording } = this;
    const { watcher } = this.site;
    const reader = `${door}-reader`;
    if (this.dice.below(3) === 0) recording.overtaken.push({ reader, payload: this.site.swipe(reader) });
    const from = watcher.heard.length;
    const { decision, payload } = await this.present(door, reader);
    const id = String(decision.payload['decision']);
    this.members++;
    recording.swipes.push({ reader, payload });
    if (recording.overtaken.length === 0) recording.overtaken.push({ reader, payload });
    if (decision.payload['outcome'] !== 'granted') {
      this.ledger.deny(id, `a member was not let in: ${JSON.stringify(decision.payload)}`);
      return null;
    }
    this.ledger.grant(id, door);
    const unlock = await watcher.hears(
      'its unlock',
      (heard) => heard.topic === `${ROOT}/event/${door}/unlock` && heard.payload['decision'] === id,
      5000,
      from,
    );
    (door === 'front' ? recording.unlocks : recording.otherDoor).push(unlock.payload as unknown as Unlock);
    return id;
  }

  /**
   * What arrives too fast on one topic is dropped unread, a member's swipe in the midst of forged ones too. Whoever gets no answer
   * presents the card again.
   */
  private async present(door: Door, reader: string): Promise<{ decision: Heard; payload: Record<string, unknown> }> {
    const { watcher } = this.site;
    const from = watcher.heard.length;
    for (let attempt = 1; ; attempt++) {
      const payload = this.site.swipe(reader);
      await watcher.say(`${ROOT}/in/${reader}/swipe`, payload);
      const answered = ({ topic, payload: said }: Heard): boolean => {
        if (topic !== `${ROOT}/event/${door}/decision`) return false;
        if (said['reason'] !== 'superseded' || attempt === 1) return true;
        this.ledger.permit(String(said['decision']));
        return false;
      };
      const last = attempt === ATTEMPTS;
      const decision = await watcher
        .hears(`a decision at ${door}`, answered, last ? 60_000 : AGAIN_MS, from)
        .catch((error: unknown) => {
          if (last) throw error;
          return null;
        });
      if (decision !== null) return { decision, payload };
      this.presentedAgain++;
    }
  }

  /** What the actuator counts, as it says in its health. */
  private get health(): string {
    const said = this.site.watcher.heard.findLast(({ topic }) => topic.endsWith('/health/actuator-front'));
    return String(said?.payload['detail']);
  }

  /** Waits until the actuator has judged all that was sent. */
  private async judged(): Promise<void> {
    const deadline = performance.now() + 60_000;
    const count = (): number => Object.values(refusalsIn(this.health)).reduce((sum, n) => sum + n, 0);
    while (count() < this.sentToLock) {
      if (performance.now() > deadline) {
        this.ledger.blame(`of ${this.sentToLock} messages the actuator refused only ${count()}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Before the actuator's process ends: what it did is in its log and its last health. */
  private async closeRun(): Promise<void> {
    await this.judged();
    this.ledger.closeRun(this.site.lock.log, this.health);
    this.sentToLock = 0;
  }

  private async restartWhatIsDue(wave: number, waves: number): Promise<void> {
    const { broker, actuator, box } = this.options.restarts;
    const due = (times: number): boolean =>
      Math.floor(((wave + 1) * times) / waves) > Math.floor((wave * times) / waves);
    // After the last wave the run is closed by `run`.
    if (due(actuator) && wave + 1 < waves) {
      await this.closeRun();
      await this.site.restartActuator();
    }
    if (!due(box) && !due(broker)) return;
    await this.onLane;
    this.checkHeard(false);
    if (due(box)) await this.restartAttacks.run(RESTART_ATTACKS[this.boxRestarts++ % RESTART_ATTACKS.length]!);
    if (due(broker)) await this.site.restartBroker();
  }
}
