import { join } from 'node:path';
import { Daemon, type Heard, Installation, usher, Watcher } from './daemon';
import { type Mosquitto } from './mosquitto';

const SOON_MS = 120_000;
/** Longer than a door waits for a face. */
const AGAIN_MS = 15_000;

/** What a box reports of one channel. */
export interface ReportedChannel {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly active: { readonly version: string } | null;
}

/** All of it but where its broker and its fleet's root lie. */
interface BoxConfig {
  readonly fleet: object;
  readonly [key: string]: unknown;
}

/** A box with a daemon that belongs to a fleet of its own, and one who hears all that it says, for tests of one channel. */
export class FleetPlace {
  place!: Installation;
  daemon!: Daemon;
  watcher!: Watcher;

  constructor(
    private readonly mosquitto: Mosquitto,
    private readonly channel: string,
  ) {}

  get fleet(): string {
    return join(this.place.dir, 'fleet');
  }

  /** @param prepare called before the daemon starts */
  async begin(config: BoxConfig, prepare?: (place: Installation) => Promise<void>): Promise<void> {
    await this.mosquitto.start();
    this.place = await Installation.make({
      mqtt: { broker: { type: 'external', url: this.mosquitto.url } },
      ...config,
      fleet: { root: 'fleet/root.json', ...config.fleet },
    });
    const made = await usher('fleet', 'init', this.fleet);
    if (made.code !== 0) throw new Error(made.stderr);
    await prepare?.(this.place);
    this.watcher = await Watcher.connect(this.mosquitto.url);
    this.start();
    await this.daemon.says('usher: ready', SOON_MS);
  }

  /** Also again, after it was stopped. */
  start(): void {
    this.daemon = Daemon.start(this.place);
  }

  async end(): Promise<void> {
    await this.mosquitto.dispose();
    await this.watcher.close();
    await this.daemon.stop();
    expect(this.place.processes()).toEqual([]);
    await this.place.remove();
  }

  readonly publish = async (file: string, ...more: readonly string[]): Promise<void> => {
    const options = ['--fleet', this.fleet, '--broker', this.mosquitto.url, '--channel', this.channel];
    const said = await usher('fleet', 'publish', file, ...options, '--rollout', '100%', ...more);
    if (said.code !== 0) throw new Error(said.stderr);
  };

  /** What a message says of the channel, if it is a report. */
  readonly channelIn = ({ topic, payload }: Heard): ReportedChannel | undefined =>
    topic.endsWith('/update/reported')
      ? (payload['channels'] as ReportedChannel[]).find(({ channel }) => channel === this.channel)
      : undefined;

  readonly reports = (holds: (channel: ReportedChannel) => boolean, from = 0): Promise<Heard> =>
    this.watcher.hears(
      'a report',
      (heard) => {
        const channel = this.channelIn(heard);
        return channel !== undefined && holds(channel);
      },
      SOON_MS,
      from,
    );

  /** A member, at a door "front" with a reader "card". */
  readonly letsIn = async (member: string): Promise<void> => {
    const from = this.watcher.heard.length;
    // A box that restarts ends what its door waits for.
    const isDecision = ({ topic, payload }: Heard): boolean =>
      topic.endsWith('/event/front/decision') && payload['reason'] !== 'shutdown';
    const deadline = performance.now() + SOON_MS;
    // A box that has just come back may not listen yet; then a member swipes again.
    while (!this.watcher.heard.slice(from).some(isDecision) && performance.now() < deadline) {
      await this.watcher.swipe('card', member);
      await this.watcher.hears('a decision', isDecision, AGAIN_MS, from).catch(() => null);
    }
    const said = await this.watcher.hears('a decision', isDecision, AGAIN_MS, from);
    expect(said.payload).toMatchObject({ outcome: 'granted', reason: 'match' });
  };
}
