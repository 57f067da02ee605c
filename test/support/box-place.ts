import { join } from 'node:path';
import { openStore } from '../../src/daemon/store/open-store';
import { Journal } from '../../src/store/journal/journal';
import { Daemon, type Heard, Installation, Watcher } from './daemon';
import { Mosquitto } from './mosquitto';

const ROOT = 'usher/v1/gym/box';
const SOON_MS = 60_000;

/** A box with a broker of its own, and a client that hears all messages. A test starts the daemon, as often as it likes. */
export class BoxPlace {
  readonly mosquitto = new Mosquitto();
  installation!: Installation;
  watcher!: Watcher;
  private readonly daemons: Daemon[] = [];

  async begin(config: object): Promise<void> {
    await this.mosquitto.start();
    this.installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: this.mosquitto.url } },
      ...config,
    });
    this.watcher = await Watcher.connect(this.mosquitto.url, '#');
  }

  get dataDir(): string {
    return join(this.installation.dir, 'data');
  }

  start(env: Readonly<Record<string, string>> = {}): Daemon {
    const daemon = Daemon.start(this.installation, env);
    this.daemons.push(daemon);
    return daemon;
  }

  async enroll(id: string, ...photos: readonly string[]): Promise<void> {
    const { code, stderr } = await this.installation.enroll(id, ...photos);
    if (code !== 0) throw new Error(stderr);
  }

  /** The broker first: it runs even where the rest did not start, and would keep the test run from ending. */
  async end(): Promise<void> {
    await this.mosquitto.dispose();
    await Promise.all(this.daemons.map((daemon) => daemon.stop('SIGKILL')));
    await this.watcher.close();
    await this.installation.remove();
  }

  /** The members and the journal, while no daemon has them open. */
  inStore<T>(work: (store: ReturnType<typeof openStore>, journal: Journal) => T): T {
    const journal = Journal.open(this.dataDir);
    const store = openStore({ dataDir: this.dataDir, configured: null }, { ledger: journal });
    try {
      return work(store, journal);
    } finally {
      store.close();
    }
  }

  health(component: string, state: string, from = 0): Promise<Heard> {
    return this.watcher.hears(
      `${component} to be ${state}`,
      ({ topic, payload }) => topic === `${ROOT}/health/${component}` && payload['state'] === state,
      SOON_MS,
      from,
    );
  }

  /** What a door says after a member has swiped at its reader. */
  async decision(door: string, reader: string, member: string): Promise<Heard['payload']> {
    const from = this.watcher.heard.length;
    await this.watcher.swipe(reader, member);
    const isDecision = ({ topic }: Heard): boolean => topic === `${ROOT}/event/${door}/decision`;
    return (await this.watcher.hears(`a decision at ${door}`, isDecision, SOON_MS, from)).payload;
  }
}
