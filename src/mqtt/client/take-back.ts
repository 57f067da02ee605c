import type { Connection } from '../link/connection';
import type { InboundPacket } from '../topics/wire';
import type { Ghosts } from './ghosts';
import type { Publisher } from './publisher';

export interface TakeBackOptions {
  readonly ghosts: Ghosts;
  readonly publisher: Publisher;
  /** The connection that is up; null: none is. */
  readonly live: () => Connection | null;
  readonly complain: (error: unknown) => void;
  /** What was taken back, once a run. */
  readonly tookBack: (topics: readonly string[]) => void;
}

/** Takes back what this box has kept on the broker under an earlier configuration. */
export class TakeBack {
  constructor(private readonly options: TakeBackOptions) {}

  /** What this box remembers, on a new connection. */
  remembered(connection: Connection): void {
    void this.takeBack(connection, this.options.ghosts.stale);
  }

  /** A message of our own came: where it is retained and no longer belongs to this box, it goes. */
  heard({ topic, retain, payload }: InboundPacket): void {
    const { ghosts, publisher } = this.options;
    if (!retain || payload.length === 0 || publisher.keeps(topic) || !ghosts.isGhost(topic)) return;
    const live = this.options.live();
    if (live !== null) void this.takeBack(live, [topic]);
  }

  private async takeBack(connection: Connection, topics: readonly string[]): Promise<void> {
    const { ghosts, publisher, complain, tookBack } = this.options;
    const found = topics.filter((topic) => !publisher.keeps(topic));
    if (found.length === 0) return;
    try {
      for (const topic of found) {
        await publisher.takeBack(connection, topic);
        ghosts.gone(topic);
      }
      tookBack(found);
    } catch (error) {
      if (connection.connected) complain(error);
    }
  }
}
