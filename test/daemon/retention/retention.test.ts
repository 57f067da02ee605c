import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  RetentionService,
  RETENTION_EVERY_MS,
  retentionPolicy,
  STILLS_EVERY_MS,
  StillsRetention,
} from '../../../src/daemon/retention/retention';
import type { ComponentHealth } from '../../../src/daemon/health/health';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';
import { createLog } from '../../../src/system/log';
import { addStill, stillFolder, stillName } from '../../../src/vision/stills/still-folder';
import { SpoiltStore } from '../../support/spoilt-store';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 1);

interface Rule {
  readonly inactiveDays: number | null;
  readonly expiredDays: number | null;
  readonly keepDays: number | null;
}
const NONE: Rule = { inactiveDays: null, expiredDays: null, keepDays: null };

let dir: string;
let log: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usher-forgetting-'));
  log = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const writeLog = createLog({
  level: 'info',
  format: 'text',
  write: (line) => log.push(line.replace(/^\S+ /, '').trimEnd()),
});

const configOf = ({ inactiveDays, expiredDays, keepDays }: Rule) =>
  ({ security: { retention: { inactiveDays, expiredDays } }, audit: { keepDays } }) as never;

/** A real store and journal, under clocks that the test sets. */
class Box {
  t = 0;
  offset = 0;
  doubt: string | null = null;
  reloads = 0;
  health: ComponentHealth[] = [];
  readonly journal = Journal.open(dir, { now: () => this.wall });
  readonly store = Store.open(dir, { ledger: this.journal, now: () => this.wall });
  private readonly forgetting: RetentionService;

  constructor(rule: Partial<Rule>) {
    this.forgetting = new RetentionService({
      config: configOf({ ...NONE, ...rule }),
      store: this.store,
      journal: this.journal,
      doors: { reload: () => (this.reloads += 1) },
      clock: { now: () => this.wall, doubt: () => this.doubt },
      health: {
        set: (component, health) => {
          expect(component).toBe('retention');
          this.health.push(health);
        },
      },
      monotonicMs: () => this.t,
      boot: 'one boot',
      log: writeLog,
    });
  }

  get wall(): number {
    return START + this.t + this.offset;
  }

  get mayDestroy(): boolean {
    return this.forgetting.mayDestroy;
  }

  /** One look at this time. */
  at(t: number): this {
    this.t = t;
    this.forgetting.tick();
    return this;
  }

  enrol(id: string, validUntil: number | null = null): this {
    this.store.members.add({ id, name: id, validUntil });
    return this;
  }

  /** What was said since the last call. */
  said(): string[] {
    return log.splice(0);
  }
}

const within = (rule: Partial<Rule>, work: (box: Box) => void): void => {
  const box = new Box(rule);
  try {
    work(box);
  } finally {
    box.store.close();
  }
};

test('looks at the date every ten minutes, and at stills every minute', () => {
  expect([RETENTION_EVERY_MS, STILLS_EVERY_MS]).toEqual([600_000, 60_000]);
});

test('goes by the days of security and of the audit', () => {
  const rule = { inactiveDays: 3, expiredDays: 2, keepDays: 1 };
  expect(retentionPolicy(configOf(rule))).toEqual(rule);
});

describe('the date', () => {
  test('may destroy from the very millisecond that it has been steady for a day', () =>
    within({}, (box) => {
      expect(box.mayDestroy).toBe(false);
      expect([box.at(0), box.at(DAY - 1)].map(() => box.mayDestroy)).toEqual([false, false]);
      expect(box.at(DAY).mayDestroy).toBe(true);
    }));

  test('may not destroy while the clock watch doubts it', () =>
    within({}, (box) => {
      box.doubt = 'behind';
      for (let day = 0; day < 4; day++) expect(box.at(day * DAY).mayDestroy).toBe(false);
      box.doubt = null;
      expect(box.at(4 * DAY).mayDestroy).toBe(true);
      box.doubt = 'behind';
      expect(box.at(4 * DAY + HOUR).mayDestroy).toBe(false);
    }));

  test('may not destroy after a look that failed, until one succeeds', () =>
    within({ expiredDays: 1 }, (box) => {
      box.enrol('ann').at(0).at(DAY);
      expect(box.mayDestroy).toBe(true);
      const { length } = box.health;
      const spoilt = new SpoiltStore(join(dir, 'usher.db'));
      spoilt.takeTableAway();
      box.said();
      expect(box.at(2 * DAY).mayDestroy).toBe(false);
      expect(box.said()).toEqual([expect.stringMatching(/^error usher: retention: the store .*usher\.db/)]);
      expect(box.health).toHaveLength(length);
      spoilt.mend();
      expect(box.at(2 * DAY + HOUR).mayDestroy).toBe(true);
      expect(box.said()).toEqual([]);
    }));
});

describe('members whose time is over', () => {
  test('are marked, and deleted after the grace: the doors load again then, and only then', () =>
    within({ expiredDays: 1 }, (box) => {
      box
        .enrol('stays')
        .enrol('ends', START + HOUR)
        .at(0)
        .at(DAY);
      expect(box.said()).toEqual([]);
      box.at(2 * DAY);
      expect(box.said()).toEqual(['info  usher: members marked for deletion by age members=1']);
      box.at(4 * DAY).at(5 * DAY - 1);
      expect(box.said()).toEqual([]);
      expect([box.reloads, box.store.members.ids()]).toEqual([0, ['ends', 'stays']]);
      box.at(5 * DAY);
      expect(box.said()).toEqual(['info  usher: members deleted by retention members=1']);
      expect([box.reloads, box.store.members.ids()]).toEqual([1, ['stays']]);
      expect(box.store.receipts.of('ends')).toMatchObject([{ by: 'retention', reason: 'expired' }]);
      box.at(6 * DAY);
      expect([box.reloads, box.said()]).toEqual([1, []]);
      expect(box.health.at(-1)).toEqual({
        ...{ state: 'ok', lastProgressAt: START + 6 * DAY, detail: null, remedy: null },
      });
    }));

  test('of a new box were last seen when its date was first trusted, at the earliest', () =>
    within({ inactiveDays: 1 }, (box) => {
      box.at(0).t = HOUR;
      box
        .enrol('away')
        .at(DAY)
        .at(2 * DAY);
      expect(box.said()).toEqual([]);
      box.at(3 * DAY);
      expect(box.said()).toEqual(['info  usher: members marked for deletion by age members=1']);
    }));

  test('wait for the operator when they are more than a share, which is said once', () =>
    within({ expiredDays: 1 }, (box) => {
      box.enrol('a', START + HOUR).enrol('b', START + HOUR);
      for (let day = 0; day < 5; day++) box.at(day * DAY);
      box.said();
      box.at(5 * DAY);
      const detail = 'too much to delete at once: 2 of 2 members';
      const remedy = 'See `usher retention show`; then run `usher retention confirm`, or `usher retention stop`.';
      expect(box.said()).toEqual([`warn  usher: ${detail} remedy=${remedy}`]);
      box.at(5 * DAY + HOUR);
      expect(box.said()).toEqual([]);
      expect(box.health.at(-1)).toEqual({ state: 'degraded', lastProgressAt: START + 5 * DAY, detail, remedy });
      expect([box.reloads, box.store.members.ids()]).toEqual([0, ['a', 'b']]);
    }));

  test('stay under a date that leapt, which is said each time that it begins', () =>
    within({ expiredDays: 1 }, (box) => {
      box
        .enrol('ends', START + HOUR)
        .at(0)
        .at(DAY);
      const leaps = (t: number): string[] => {
        box.offset = 30 * DAY;
        box.at(t).at(t + HOUR);
        expect(box.mayDestroy).toBe(false);
        expect(box.health.at(-1)).toMatchObject({ state: 'degraded', lastProgressAt: START + DAY });
        return box.said();
      };
      const warning = expect.stringMatching(
        /^warn {2}usher: nothing is deleted by age: the date is more than a week ahead .* remedy=If the date .*usher clock accept/,
      ) as string;
      expect(leaps(DAY + HOUR)).toEqual([warning]);
      box.offset = 0;
      box.at(DAY + 3 * HOUR);
      expect(box.health.at(-1)).toMatchObject({ state: 'ok', detail: null });
      expect(box.said()).toEqual([]);
      expect(leaps(DAY + 4 * HOUR)).toEqual([warning]);
      expect([box.reloads, box.store.members.ids()]).toEqual([0, ['ends']]);
    }));

  test.each<[string, Partial<Rule>, number | null]>([
    ['none', {}, null],
    ['one for who stays away', { inactiveDays: 9 }, START],
    ['one for validity', { expiredDays: 9 }, START],
    ['one for records', { keepDays: 9 }, START],
  ])('where there is a rule or not, health says it: %s', (_, rule, lastProgressAt) =>
    within(rule, (box) => {
      box.at(0);
      expect(box.health).toEqual([{ state: 'ok', lastProgressAt, detail: null, remedy: null }]);
    }),
  );

  test('are no trouble of a box without a rule', () =>
    within({}, (box) => {
      box
        .enrol('ends', START + HOUR)
        .at(0)
        .at(DAY);
      box.offset = 30 * DAY;
      for (let day = 2; day < 9; day++) box.at(day * DAY);
      expect(box.health.at(-1)).toEqual({ state: 'ok', lastProgressAt: null, detail: null, remedy: null });
      expect([box.said(), box.store.members.ids()]).toEqual([[], ['ends']]);
    }));
});

test('old records go after their grace, and no door has to load again', () =>
  within({ keepDays: 1 }, (box) => {
    const record = (count: number): void => {
      for (let n = 0; n < count; n++) box.journal.append('start', { version: 'x' });
    };
    // With the first record of any journal these are four.
    record(3);
    box.at(0).at(DAY);
    box.t = DAY + HOUR;
    record(9);
    box.at(2 * DAY);
    expect(box.at(3 * DAY - 1).journal.extent().first).toBe(1);
    expect(box.said()).toEqual([]);
    box.at(3 * DAY);
    expect(box.said()).toEqual(['info  usher: old records of the journal removed records=4']);
    expect([box.journal.extent().first, box.reloads]).toEqual([5, 0]);
    box.at(3 * DAY + HOUR);
    expect(box.said()).toEqual([]);
  }));

describe('stills', () => {
  const DECISION = '6f9619ff-8b86-4d01-b42d-00c04fc964f';
  let store: Store;
  let facts: object[];
  let made: number;
  beforeEach(() => {
    store = Store.open(dir, { ledger: Journal.open(dir) });
    store.members.add({ id: 'ann', name: 'Ann' });
    [facts, made] = [[], 0];
  });
  afterEach(() => store.close());

  const still = (member: string | null, at: number): Promise<number> => {
    const name = stillName({ decision: `${DECISION}${made++}`, door: 'front', outcome: 'denied', member, at });
    return addStill(stillFolder(dir), name, Buffer.from('jpeg'), { maxFiles: 9, maxBytes: 1000 });
  };
  const left = (): number => readdirSync(stillFolder(dir)).length;

  /** @returns a look at this monotonic time */
  function watch(rule: { keepDays: number | null; auditDays: number | null; trusted?: boolean; wall?: number }) {
    const { keepDays, auditDays, trusted = false, wall = 0 } = rule;
    let mono = 0;
    const forgetting = new StillsRetention({
      config: {
        ...{ stills: keepDays === null ? null : ({ keepDays } as never), audit: { keepDays: auditDays } as never },
      },
      ...{ dataDir: dir, store, log: writeLog, retention: { mayDestroy: trusted } },
      trail: { fact: (kind, fact) => void facts.push({ kind, ...fact }) },
      ...{ monotonicMs: () => mono, wall: () => wall },
    });
    return async (at: number): Promise<number> => {
      mono = at;
      await forgetting.tick();
      return left();
    };
  }

  test.each([
    ['of their own', 2, 5, 2],
    ['of the audit, where those are fewer', 5, 2, 2],
    ['of their own, where the audit has none', 2, null, 2],
    ['of the default, where none are kept any longer', null, null, 7],
    ['of the audit, where none are kept any longer', null, 3, 3],
  ])('go after the days %s, to the millisecond', async (_, keepDays, auditDays, days) => {
    await still('ann', 1);
    await still(null, 2);
    const look = watch({ keepDays, auditDays });
    expect(await look(0)).toBe(2);
    expect(await look(days * DAY)).toBe(2);
    expect(facts).toEqual([]);
    expect(await look(days * DAY + 1)).toBe(0);
    expect(facts).toEqual([{ kind: 'still', deleted: 2, because: 'age' }]);
  });

  test.each([
    ['that is trusted', true, 1],
    ['that is not trusted, which destroys nothing', false, 2],
  ])('go by a date %s', async (_, trusted, kept) => {
    await still('ann', START - 2 * DAY - 1);
    await still('ann', START - 2 * DAY);
    const look = watch({ keepDays: 2, auditDays: null, trusted, wall: START });
    expect(await look(0)).toBe(2);
    expect(await look(HOUR)).toBe(kept);
    expect(facts).toEqual(trusted ? [{ kind: 'still', deleted: 1, because: 'age' }] : []);
  });

  test('of who is no member go at once; those of members and of nobody stay', async () => {
    await still('ann', 1);
    await still('bob', 2);
    await still(null, 3);
    const look = watch({ keepDays: 2, auditDays: null });
    expect(await look(0)).toBe(2);
    expect(facts).toEqual([{ kind: 'still', deleted: 1, because: 'member' }]);
  });

  test('stay where the folder cannot be read, and the log says so', async () => {
    mkdirSync(join(dir, 'elsewhere'));
    writeFileSync(stillFolder(dir), 'no folder');
    const look = watch({ keepDays: 2, auditDays: null });
    await expect(look(0)).rejects.toThrow('ENOTDIR');
    expect(log).toEqual([expect.stringMatching(/^error usher: deleting old stills: .*ENOTDIR/)]);
    expect(facts).toEqual([]);
  });
});
