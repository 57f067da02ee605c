import fc from 'fast-check';
import type { Look } from '../../../src/store/clock/date-proof';
import { Journal } from '../../../src/store/journal/journal';
import { Retention, type RetentionPolicy } from '../../../src/store/retention/retention';
import { Store } from '../../../src/store/store';
import { withFolder } from '../harness';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 5, 1);
const POLICY: RetentionPolicy = { inactiveDays: 30, expiredDays: 10, keepDays: 20 };

/** A real store and journal on a machine whose clocks the test moves. `born` and `seen` are true times. */
class Box {
  t = 0;
  offset = 0;
  private boots = 1;
  private bootedAt = 0;
  readonly store: Store;
  readonly journal: Journal;
  readonly active = new Map<string, number>();
  readonly written: number[] = [0];
  retention: Retention;

  constructor(folder: string, policy = POLICY) {
    this.journal = Journal.open(folder, { now: () => this.wall });
    this.store = Store.open(folder, { ledger: this.journal, now: () => this.wall });
    this.noteRecords();
    this.retention = new Retention(this.store, this.journal, policy);
  }

  get wall(): number {
    return START + this.t + this.offset;
  }

  look(): Look {
    return { boot: `boot ${this.boots}`, mono: this.t - this.bootedAt, wall: this.wall };
  }

  enrol(id: string, validUntil: number | null = null): this {
    this.store.members.add({ id, name: id, validUntil });
    this.active.set(id, this.t);
    this.noteRecords();
    return this;
  }

  see(id: string): void {
    this.store.members.markSeen(id, this.wall);
    if (this.store.members.find(id) !== null) this.active.set(id, this.t);
  }

  tick(believed = true): ReturnType<Retention['tick']> {
    const report = this.retention.tick(this.look(), believed);
    this.noteRecords();
    return report;
  }

  run(ms: number, each: (report: ReturnType<Retention['tick']>) => void = () => undefined): void {
    for (let done = 0; done < ms; done += 6 * HOUR) {
      each(this.tick());
      this.t += 6 * HOUR;
    }
  }

  reboot(offMs = 0): void {
    this.t += offMs;
    this.boots++;
    this.bootedAt = this.t;
  }

  record(): void {
    this.journal.append('start', { version: 'x' });
    this.noteRecords();
  }

  close(): void {
    this.store.close();
  }

  /** True time of each record, by its number. */
  private noteRecords(): void {
    for (let seq = this.written.length; seq <= this.journal.head().seq; seq++) this.written[seq] = this.t;
  }
}

const inBox = (work: (box: Box) => void, policy = POLICY) =>
  withFolder((folder) => {
    const box = new Box(folder, policy);
    try {
      work(box);
    } finally {
      box.close();
    }
  });

test('under a good clock who stays away goes after the days and the grace, and who comes stays', () =>
  inBox((box) => {
    box
      .enrol('comes')
      .enrol('stays-away')
      .enrol('ended', START + DAY);
    for (let n = 0; n < 20; n++) box.enrol(`other-${n}`);
    const gone = new Map<string, number>();
    for (let day = 0; day < 60; day++) {
      for (const id of box.active.keys()) if (id !== 'stays-away' && id !== 'ended') box.see(id);
      box.run(DAY, ({ deleted }) => deleted.forEach(({ id }) => gone.set(id, box.t / DAY)));
    }
    expect([...gone.keys()]).toEqual(['ended', 'stays-away']);
    expect(gone.get('ended')).toBeGreaterThanOrEqual(11 + 3);
    expect(gone.get('ended')).toBeLessThan(11 + 3 + 2);
    expect(gone.get('stays-away')).toBeGreaterThanOrEqual(30 + 3);
    expect(gone.get('stays-away')).toBeLessThan(30 + 3 + 3);
    expect(box.store.receipts.of('stays-away')).toMatchObject([{ by: 'retention', reason: 'inactive' }]);
  }));

test('records go after their days and the grace, and the chain goes on', () =>
  inBox((box) => {
    let oldest = 0;
    for (let day = 0; day < 60; day++) {
      for (let n = 0; n < 5; n++) box.record();
      box.run(DAY);
      oldest = (box.t - (box.written[box.journal.extent().first] ?? NaN)) / DAY;
    }
    expect(oldest).toBeGreaterThanOrEqual(20);
    expect(oldest).toBeLessThan(20 + 5);
  }));

test('two starts in 2038, and a hundred days of it, destroy nothing', () =>
  inBox((box) => {
    for (let n = 0; n < 6; n++) box.enrol(`m${n}`);
    box.record();
    box.run(5 * DAY);
    const first = box.journal.extent().first;
    box.offset = Date.UTC(2038, 0, 19) - START - box.t;
    for (let start = 0; start < 20; start++) {
      box.reboot(1000);
      box.record();
      box.run(5 * DAY, ({ hold }) => expect(hold).toBe('leapt'));
    }
    expect(box.store.members.count()).toBe(6);
    expect(box.journal.extent().first).toBe(first);
  }));

test('an upgraded box compares with the newest record that it finds: 2038 at the first start with this usher', () =>
  withFolder((folder) => {
    const before = new Box(folder);
    for (let n = 0; n < 6; n++) before.enrol(`m${n}`);
    before.record();
    before.close();
    const box = new Box(folder);
    try {
      box.offset = Date.UTC(2038, 0, 19) - START;
      for (let start = 0; start < 2; start++) {
        box.reboot();
        box.run(3 * DAY, ({ hold }) => expect(hold).toBe('leapt'));
      }
      expect(box.store.members.count()).toBe(6);
      box.offset = 0;
      box.run(40 * DAY);
      // All six at once are more than a share.
      expect(box.store.members.count()).toBe(6);
      expect(box.retention.state.held).toContainEqual({ what: 'members', count: 6, total: 6 });
      expect(box.retention.confirm('desk')).toMatchObject({ members: 6 });
      box.run(2 * DAY);
      expect(box.store.members.count()).toBe(0);
    } finally {
      box.close();
    }
  }));

test('an operator stops it in the time of grace, and lets it go on', () =>
  inBox((box) => {
    box.enrol('away');
    for (let n = 0; n < 10; n++) box.enrol(`m${n}`);
    const day = (): void => {
      for (let n = 0; n < 10; n++) box.see(`m${n}`);
      box.run(DAY);
    };
    while (box.retention.state.members.length === 0) day();
    box.retention.stop('desk');
    for (let n = 0; n < 10; n++) day();
    expect(box.store.members.find('away')).not.toBeNull();
    box.retention.resume('desk');
    day();
    expect(box.store.members.find('away')).not.toBeNull();
    for (let n = 0; n < 4; n++) day();
    expect(box.store.members.find('away')).toBeNull();
    const changes = [...box.journal.records()].filter(({ kind }) => kind === 'retention');
    expect(changes.map(({ body }) => (JSON.parse(body) as { change: string }).change)).toEqual(
      expect.arrayContaining(['marked', 'stopped', 'resumed']),
    );
  }));

test('a date that a person accepts goes on a day later, and times ahead of it count from now', () =>
  inBox((box) => {
    box.enrol('m');
    box.run(3 * DAY);
    box.reboot(40 * DAY);
    box.run(2 * DAY, ({ hold }) => expect(hold).toBe('leapt'));
    box.offset = 1000 * DAY;
    box.enrol('ahead');
    box.offset = 0;
    box.retention.acceptDate(box.look(), 'desk');
    expect(box.store.members.get('ahead').enrolledAt).toBe(box.wall);
    let held = 0;
    box.run(3 * DAY, ({ hold }) => (held += hold === null ? 0 : 1));
    expect(held).toBe(4);
    expect(box.journal.latest('clock')?.body).toContain('"change":"accepted"');
  }));

test('a withdrawal does not wait for a date', () =>
  inBox((box) => {
    box.enrol('m');
    box.offset = -START;
    box.tick(false);
    box.store.members.remove('m', { by: 'desk', reason: 'withdrawal' });
    expect(box.store.members.find('m')).toBeNull();
  }));

/** What may happen to a box and to its clock; the operator says nothing. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), days: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('off' as const), days: fc.integer({ min: 0, max: 20 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      offset: fc.constantFrom(
        0,
        0,
        HOUR,
        -HOUR,
        3 * DAY,
        6 * DAY,
        -6 * DAY,
        30 * DAY,
        -400 * DAY,
        -START,
        Date.UTC(2038, 0, 19) - START,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('enrol' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('see' as const), who: fc.integer({ min: 0, max: 9 }) }) },
);

/** A forged clock that is moved by less than a week at a time makes time pass four times as fast: see `date-proof.ts`. */
const PACE = 4.1;
const SLACK = 4 * DAY;

test.each([
  ['whatever the clock does, what is destroyed was old', true],
  ['with a clock that is right, it was as old as the rule says', false],
])(
  '%s',
  async (_, forged) => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 10, maxLength: 60 }), (steps) =>
        inBox((box) => {
          for (let n = 0; n < 12; n++) box.enrol(`m${n}`);
          let enrolled = 12;
          const oldEnough = (days: number): number => (forged ? (days * DAY - SLACK) / PACE : (days - 1) * DAY);
          const judge = ({ deleted }: ReturnType<Retention['tick']>): void => {
            for (const { id } of deleted) {
              expect(box.t - (box.active.get(id) ?? NaN)).toBeGreaterThanOrEqual(oldEnough(30));
              box.active.delete(id);
            }
            const last = box.written[box.journal.extent().first - 1] ?? -Infinity;
            if (box.journal.extent().first > 1) expect(box.t - last).toBeGreaterThanOrEqual(oldEnough(20));
          };
          for (const step of steps) {
            if (step.do === 'run') box.run(step.days * DAY, judge);
            if (step.do === 'off') box.reboot(step.days * DAY);
            if (step.do === 'clock' && forged) box.offset = step.offset;
            if (step.do === 'enrol') box.enrol(`m${enrolled++}`);
            if (step.do === 'see') box.see(`m${step.who}`);
            box.record();
          }
        }),
      ),
      { numRuns: Number(process.env['RETENTION_RUNS'] ?? 20) },
    );
  },
  300_000,
);
