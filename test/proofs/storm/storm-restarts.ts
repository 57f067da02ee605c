import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, usher } from '../../support/daemon';
import { until } from '../../support/until';
import type { Ledger } from './storm-ledger';
import { MEMBER, ROOT, type StormSite } from './storm-site';

/**
 * What can have happened to a box while it was down: its clock has gone wrong, somebody has put an older database in place of its own,
 * or none. After each of them it is as before, and the members must get in.
 */
export const RESTART_ATTACKS = [
  'database rolled back',
  'clock in 2038',
  'database emptied',
  'clock in 1970',
  'kill -9',
] as const;
export type RestartAttack = (typeof RESTART_ATTACKS)[number];

const CLOCKS: Readonly<Partial<Record<RestartAttack, number>>> = {
  'clock in 2038': Date.UTC(2038, 0, 19, 3, 14, 8),
  'clock in 1970': Date.UTC(1970, 0, 2),
};
/** libfaketime (Debian's package faketime), and only for the wall clock. */
const LIBRARY = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1'))
  .find((file) => existsSync(file));
const WITHDRAWN = '4712';
const LOOK_MS = 3000;

export class RestartAttacks {
  readonly sent: Record<string, number> = {};
  readonly skipped: string[] = [];

  constructor(
    private readonly site: StormSite,
    private readonly ledger: Ledger,
  ) {}

  async run(kind: RestartAttack): Promise<void> {
    const { site } = this;
    const at = CLOCKS[kind];
    if (at !== undefined && LIBRARY === undefined) {
      if (!this.skipped.includes(kind)) this.skipped.push(kind);
      await site.restartBox();
      return;
    }
    if (at !== undefined) await this.wrongClock(at);
    else if (kind === 'database rolled back') await this.rollback();
    else if (kind === 'database emptied') await this.emptied();
    else await site.restartBox();
    this.sent[kind] = (this.sent[kind] ?? 0) + 1;
    const { stdout } = await usher('members', 'list', '--config', site.installation.config, '--json');
    if (!stdout.includes(MEMBER)) this.ledger.blame(`${kind}: the member is gone: ${stdout}`);
  }

  /** Twice, for the second start may go by what the first has written down. What opens then, the ledger of the lock blames. */
  private async wrongClock(at: number): Promise<void> {
    const { site } = this;
    for (let start = 0; start < 2; start++) {
      await site.restartBox(() => undefined, {
        LD_PRELOAD: LIBRARY ?? '',
        FAKETIME: `${at > Date.now() ? '+' : ''}${Math.round((at - Date.now()) / 1000)}s`,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      });
      for (const when of [Date.now(), at]) await this.swipe('front-reader', MEMBER, when);
      await pause(LOOK_MS);
    }
    // Refusals, and grants whose unlocks no actuator takes.
    site.watcher.heard.length = 0;
    await site.restartBox();
  }

  private async rollback(): Promise<void> {
    const { site, ledger } = this;
    const { config } = site.installation;
    const enrolled = await site.installation.enroll(WITHDRAWN, '--force', site.entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    await site.restartBox(() => this.copy('data', 'older'));
    const removed = await usher('members', 'remove', WITHDRAWN, '--config', config);
    if (removed.code !== 0) throw new Error(removed.stderr);
    // So that whatever keeps track of the database has seen that he is gone.
    await site.restartBox();
    await this.swipe('card-reader', WITHDRAWN);
    await site.box.stop('SIGKILL');
    this.copy('data', 'newer');
    this.copy('older', 'data');
    await this.underAttack(async () => {
      await this.swipe('card-reader', WITHDRAWN);
      await pause(LOOK_MS);
    });
    for (const { topic, payload } of site.watcher.heard)
      if (topic.endsWith('/decision') && payload['member'] === WITHDRAWN && payload['outcome'] === 'granted')
        ledger.blame(
          `a member who has withdrawn was let in after the database was rolled back: ${JSON.stringify(payload)}`,
        );
    await this.putBack();
  }

  private async emptied(): Promise<void> {
    const { site, ledger } = this;
    await site.box.stop('SIGKILL');
    this.copy('data', 'newer');
    this.remove('data');
    await this.underAttack(async () => {
      for (const reader of ['card-reader', 'front-reader']) await this.swipe(reader, MEMBER);
      await pause(LOOK_MS);
    });
    for (const { topic, payload } of site.watcher.heard)
      if (topic.endsWith('/decision') && payload['outcome'] === 'granted')
        ledger.blame(`a box without members granted: ${JSON.stringify(payload)}`);
    await this.putBack();
  }

  /** A box that does not start with such a database has not opened either. */
  private async underAttack(attack: () => Promise<void>): Promise<void> {
    const { site } = this;
    site.watcher.heard.length = 0;
    site.box = Daemon.start(site.installation);
    const { box } = site;
    await until(
      'a box that runs or refuses to',
      () => box.log.includes('usher: ready') || box.process.exitCode !== null,
      {
        detail: () => box.log,
      },
    );
    if (box.process.exitCode === null) await attack();
    await box.stop('SIGKILL');
  }

  private async putBack(): Promise<void> {
    this.copy('newer', 'data');
    this.site.watcher.heard.length = 0;
    await this.site.restartBox();
  }

  private swipe(reader: string, id: string, at = Date.now()): Promise<void> {
    return this.site.watcher.say(`${ROOT}/in/${reader}/swipe`, this.site.swipe(reader, id, at));
  }

  /** The database alone, with what belongs to it. The journal stays as it is. */
  private copy(from: DatabaseCopy, to: DatabaseCopy): void {
    this.remove(to);
    for (const file of FILES)
      if (existsSync(this.pathOf(from, file))) copyFileSync(this.pathOf(from, file), this.pathOf(to, file));
  }

  private remove(copy: DatabaseCopy): void {
    for (const file of FILES) rmSync(this.pathOf(copy, file), { force: true });
  }

  private pathOf(copy: DatabaseCopy, file: string): string {
    return this.site.pathOf(copy === 'data' ? join('data', file) : `${copy}-${file}`);
  }
}

/** `data`: the one that the box uses. */
type DatabaseCopy = 'data' | 'older' | 'newer';
const FILES = ['usher.db', 'usher.db-wal', 'usher.db-shm'];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
