import { writeSync } from 'node:fs';
import { UsherError } from '../../src/errors';
import { Database } from '../../src/store/database/database';
import { holdDaemonLock } from '../../src/store/daemon-lock';
import { Scrubber } from '../../src/store/database/scrub';
import { Journal } from '../../src/store/journal/journal';
import { Store } from '../../src/store/store';
import { churn } from './churn';

/** What the tests let another process do with a store; it tells each finished step on standard output, at once. */
const [, , task, dataDir = '', detail = ''] = process.argv;

const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const template = (i: number) => ({
  space: 'test.space',
  vector: Float32Array.from({ length: 128 }, (_, j) => Math.sin(i * 128 + j)),
  quality: 0.5,
  source: 'picture' as const,
});

const tasks: Record<string, () => void> = {
  /** Adds members for ever, each with two templates; a line per acknowledged member. */
  write: () => {
    const store = Store.open(dataDir);
    const first = store.members.list().length;
    for (let i = first; ; i += 1) {
      store.members.add({ id: `m${i}`, name: `Member ${i}` }, [template(i), template(i + 0.5)]);
      say(`m${i}`);
    }
  },
  lock: () => {
    holdDaemonLock(dataDir);
    say('held');
    setInterval(() => undefined, 1000);
  },
  /** Opens a store as the daemon would, lets SQLite check all of it, and lists who is in it. */
  check: () => {
    const store = Store.open(dataDir);
    const database = Database.open(store.file, { readonly: true, busyTimeoutMs: 1000, journal: 'wal' });
    const integrity = database.all('PRAGMA integrity_check').flatMap((row) => Object.values(row));
    const orphans = database.all('PRAGMA foreign_key_check').length;
    const members = store.members.list().map(({ id, templates }) => ({ id, templates }));
    say(JSON.stringify({ integrity, orphans, members }));
  },
  /** Enrols, enrols again, deletes and rotates for ever; tells each step before and after. */
  churn: () => churn(Store.open(dataDir, { ledger: Journal.open(dataDir) }), say),
  /** Exchanges the box key and ends as a power cut would, right after the step that is named. */
  rotate: () => {
    const store = Store.open(dataDir);
    store.rotateBoxKey((step) => {
      if (step === detail) process.kill(process.pid, 'SIGKILL');
    });
    say('rotated');
  },
  /** Removes a member and ends before what was deleted has left the files. */
  'remove-unscrubbed': () => {
    const store = Store.open(dataDir);
    Scrubber.prototype.run = () => process.kill(process.pid, 'SIGKILL');
    store.members.remove(detail, { by: 'desk', reason: 'removed' });
  },
  /** Takes a store over into this version's schema and ends before the file is written anew. */
  'migrate-unscrubbed': () => {
    Scrubber.prototype.run = () => process.kill(process.pid, 'SIGKILL');
    Store.open(dataDir);
  },
  /** Reads members and the gallery for ever, as the daemon does; a line a round. */
  watch: () => {
    const store = Store.open(dataDir);
    const round = (): void => {
      store.changedElsewhere();
      const vectors = store.templates.inSpace('test.space').length;
      say(`${store.members.list().length} ${vectors}`);
      setImmediate(round);
    };
    round();
  },
  open: () => {
    Store.open(dataDir).close();
    say('opened');
  },
};

try {
  tasks[task ?? '']?.();
} catch (error) {
  if (!(error instanceof UsherError)) throw error;
  say(`failed ${JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy })}`);
}
