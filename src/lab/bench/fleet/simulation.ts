import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UsherError } from '../../../errors';
import { carry } from '../../../fleet/manager/carry';
import { desiredTopic, readDesired, withOffer, withRollout, writeDesired } from '../../../fleet/manager/desired';
import { FleetFolder } from '../../../fleet/manager/fleet-folder';
import { followRollout } from '../../../fleet/manager/follow';
import { openView } from '../../../fleet/manager/open-view';
import { addRelease, type KnownRelease, offerOf } from '../../../fleet/manager/publish';
import { type Counts, USUAL_LIMITS } from '../../../fleet/manager/rollout';
import { type Desired, type Offer, type OfferScope, type Rollout, WHOLE_FLEET } from '../../../fleet/release';
import { Guest } from '../../../mqtt/link/guest';
import { type SimulationFigures, Watch } from './simulation-watch';
import { smallBundle } from './small-bundle';
import { CHANNEL } from './simulated-box';
import { SimulatedFleet } from './simulated-fleet';
import { pollUntil } from '../../../system/poll';

export interface SimulationOptions {
  readonly boxes: number;
  readonly connections: number;
  readonly stages: readonly number[];
  /** Share of the boxes on which the good release fails, and share for the bad one. */
  readonly failing: number;
  readonly bad: number;
  readonly outages: number;
  readonly seed: number;
  readonly broker: { readonly url: string; readonly pid: number | null };
  /** Parent of the folder for fleet and boxes. */
  readonly dir: string;
  readonly onProgress: (what: string, share: number) => void;
}

const ALL: OfferScope = { kind: 'group', group: WHOLE_FLEET };
const GOOD = '1.1.0';
const BAD = '1.2.0';
const STEP_MS = 300;
const OUTAGE_MS = 3000;
const LOOK_MS = 500;
const CHUNK_BYTES = 4096;
/** Limit for the fleet to roll back after an abort, or to settle. */
const REST_MS = 20 * 60_000;

/**
 * A fleet of boxes without cameras on a real broker, in this process: a good release is rolled out in stages to all, a
 * bad one pauses by itself in its first stage and is aborted. Manager and boxes are the code that sites run.
 */
export class Simulation {
  private readonly dir: string;
  private readonly fleet: FleetFolder;
  private readonly boxes: SimulatedFleet;
  private readonly watch: Watch;

  constructor(private readonly options: SimulationOptions) {
    const { boxes, connections, broker, failing, bad, outages, seed, dir } = options;
    this.dir = mkdtempSync(join(dir, 'usher-simulated-'));
    const now = Date.now();
    this.fleet = FleetFolder.init(join(this.dir, 'fleet'), { rootKeys: 2, rootThreshold: 2, passphrase: null, now });
    this.boxes = new SimulatedFleet({
      boxes,
      connections,
      url: broker.url,
      dir: this.dir,
      rootFile: join(this.fleet.dir, 'root.json'),
      plan: {
        stepMs: STEP_MS,
        seed,
        outages,
        outageMs: OUTAGE_MS,
        failing: (version) => (version === BAD ? bad : failing),
      },
    });
    this.watch = new Watch(this.boxes, broker.pid);
  }

  /** @throws UsherError `broker-failed`, or if a rollout does not go as expected */
  async run(): Promise<SimulationFigures> {
    const { onProgress, boxes } = this.options;
    try {
      await this.boxes.start((share) => onProgress('boxes', share));
      const good = await this.offer(GOOD);
      const goodMs = await this.timed(() => this.follow(good.id, `release ${GOOD}`));
      const committed = this.boxes.running(good.id);
      const bad = await this.offer(BAD);
      const pause = await this.paused(bad.id);
      const beyondFirst = this.boxes.beyond(bad.id, this.options.stages[0] ?? 0);
      const taken = this.boxes.running(bad.id);
      await this.change((rollout) => ({ ...rollout, state: 'aborted', why: 'it was bad' }));
      await this.until('going back', () => this.boxes.running(bad.id) === 0, taken);
      const { counted } = this.boxes;
      const truth = await this.truth();
      return {
        boxes,
        committed,
        goodMs,
        pause,
        beyondFirst,
        taken,
        ...truth,
        ...this.watch.peaks,
        kept: this.boxes.running(good.id),
        outages: counted.outages,
        powerCuts: counted.powerCuts,
        reports: counted.reports,
      };
    } finally {
      this.watch.stop();
      await this.boxes.stop();
      rmSync(this.dir, { recursive: true, force: true });
    }
  }

  private async offer(version: string): Promise<KnownRelease> {
    const content = await smallBundle(join(this.dir, 'bundle'), version);
    const release = addRelease(this.fleet, content, {
      channel: CHANNEL,
      version,
      summary: 'simulated',
      embeddingRule: 'same',
      lifeDays: 30,
      requires: { usher: null, arch: null, memoryMiB: null },
      chunkBytes: CHUNK_BYTES,
      now: Date.now(),
    });
    const rollout: Rollout = { stages: [...this.options.stages], stage: 0, state: 'rolling', why: null };
    const offer = offerOf(release, rollout);
    await this.tell(
      writeDesired(this.fleet, ALL, (offers) => withOffer(offers, offer), Date.now()),
      true,
    );
    return release;
  }

  /** Opens stage after stage, as `usher fleet rollout follow` does. */
  private async follow(release: string, what: string): Promise<void> {
    const { view, guest } = await openView(this.options.broker);
    try {
      await followRollout({
        // Each of these boxes comes back.
        scope: ALL,
        limits: { ...USUAL_LIMITS, patienceMs: Infinity },
        boxes: () => view.all(),
        offer: () => this.offered(release),
        change: (to) => this.change(to),
        onCounts: (offer, counts) => this.options.onProgress(what, shareOf(offer, counts)),
        rest: async () => {
          await delay(LOOK_MS);
          this.watch.compare(view);
          return false;
        },
      });
    } finally {
      await guest.close();
    }
  }

  /** @returns where and why it paused @throws UsherError if it did not */
  private async paused(release: string): Promise<{ readonly stage: number; readonly why: string }> {
    try {
      await this.follow(release, `bad release ${BAD}`);
    } catch (error) {
      const { rollout } = this.offered(release);
      if (rollout.state === 'paused') return { stage: rollout.stage, why: rollout.why ?? '' };
      throw error;
    }
    throw new UsherError('release-refused', 'the bad release reached all boxes: nothing paused it', {
      remedy: 'It may fail on too few boxes: give more of them, or a higher --bad.',
    });
  }

  private async truth(): Promise<{ readonly compared: number; readonly untrue: number }> {
    // Waits until messages have reached the broker and offline boxes are back.
    let last = { compared: 0, untrue: 0 };
    await this.until('settling', async () => {
      const { view, guest } = await openView(this.options.broker);
      await guest.close();
      last = this.boxes.untrue(view);
      return last.compared === this.options.boxes;
    });
    return last;
  }

  private offered(release: string): Offer {
    const offer = readDesired(this.fleet, ALL)?.offers.find((one) => one.release === release);
    if (offer === undefined) throw new Error(`${release} is not offered`);
    return offer;
  }

  private change(to: (rollout: Rollout) => Rollout): Promise<void> {
    return this.tell(
      writeDesired(this.fleet, ALL, (offers) => withRollout(offers, CHANNEL, to), Date.now()),
      false,
    );
  }

  private async tell(desired: Desired, withBytes: boolean): Promise<void> {
    const { broker } = this.options;
    const guest = await Guest.connect(broker);
    try {
      const keeper = { retain: (topic: string, payload: Buffer) => guest.retain(topic, payload) };
      if (withBytes) await carry(this.fleet, keeper, broker.url);
      await guest.retain(desiredTopic(desired.scope), JSON.stringify(desired));
    } finally {
      await guest.close();
    }
  }

  private async timed(work: () => Promise<void>): Promise<number> {
    const from = performance.now();
    await work();
    return performance.now() - from;
  }

  private async until(what: string, holds: () => boolean | Promise<boolean>, of = 0): Promise<void> {
    const check = (): void => this.options.onProgress(what, of === 0 ? 0 : 0.5);
    if (!(await pollUntil(holds, { everyMs: LOOK_MS, withinMs: REST_MS, check })))
      throw new UsherError('release-refused', `the simulated boxes did not finish ${what}`);
  }
}

function shareOf({ rollout }: Offer, { committed, failed, reached }: Counts): number {
  const stages = rollout.stages.length;
  return (rollout.stage + (committed + failed) / Math.max(1, reached)) / stages;
}
