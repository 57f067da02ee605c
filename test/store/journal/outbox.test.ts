import fc from 'fast-check';
import { Journal } from '../../../src/store/journal/journal';
import type { OutboxEvent, Worth } from '../../../src/store/journal/outbox';
import { bodyOf } from '../../../src/store/journal/journal-reader';
import { withFolder } from '../harness';

const decide = (journal: Journal, worth: Worth = 'denied', pad = ''): number => {
  let number = 0;
  journal.appendEvent('decision', ({ seq }) => {
    number = seq;
    return { topic: 'usher/v1/a/b/event/front/decision', worth, body: { outcome: worth, pad } };
  });
  return number;
};

const numberOf = (event: OutboxEvent | undefined): number | undefined =>
  event === undefined ? undefined : (JSON.parse(event.json) as { seq: number }).seq;

/** Takes out everything as a connection would, and says which numbers came. */
const deliver = (journal: Journal, most = Infinity): number[] => {
  const numbers: number[] = [];
  for (let event = journal.outbox.peek(); event !== undefined && numbers.length < most; event = journal.outbox.peek()) {
    numbers.push(numberOf(event) ?? NaN);
    journal.outbox.settle(event);
  }
  return numbers;
};

const droppedIn = (journal: Journal): Record<string, unknown>[] =>
  [...journal.records()].filter(({ kind }) => kind === 'outbox-dropped').map((record) => ({ ...bodyOf(record) }));

describe('the outbox', () => {
  it('delivers in order what was recorded, letter for letter, and nothing of what concerns only the box', () =>
    withFolder((folder) => {
      const journal = Journal.open(folder);
      const records = [0, 1, 2].map(() =>
        journal.appendEvent('decision', ({ seq, journal: id }) => ({
          topic: 't',
          worth: 'granted',
          body: { seq, journal: id, outcome: 'granted' },
        })),
      );
      journal.append('enrolment', { member: '4711' });
      for (const { body } of records) {
        const event = journal.outbox.peek();
        expect(event).toEqual({ topic: 't', json: body });
        expect(journal.outbox.peek()).toBe(event);
        journal.outbox.settle(event!);
      }
      expect(journal.outbox.peek()).toBeUndefined();
      journal.close();
    }));

  it('gives again after a crash what was acknowledged and not yet taken out; after a close, nothing twice', () =>
    withFolder((folder) => {
      const first = Journal.open(folder);
      for (let i = 0; i < 5; i++) decide(first);
      expect(deliver(first, 3)).toEqual([1, 2, 3]);
      // Another process's view, as after a crash of the first.
      const crashed = Journal.open(folder);
      expect(deliver(crashed)).toEqual([1, 2, 3, 4, 5]);
      crashed.close();
      first.close();
      const again = Journal.open(folder);
      expect([again.outbox.size, deliver(again)]).toEqual([0, []]);
      again.close();
    }));

  it('takes out what is acknowledged with the next append, at no cost of its own', () =>
    withFolder((folder) => {
      const journal = Journal.open(folder);
      for (let i = 0; i < 3; i++) decide(journal);
      deliver(journal);
      expect(journal.outbox.size).toBe(3);
      decide(journal);
      expect(journal.outbox.size).toBe(1);
      deliver(journal);
      journal.outbox.flush();
      expect(journal.outbox.size).toBe(0);
      journal.close();
    }));

  it('records an event that comes without a record of its own', () =>
    withFolder((folder) => {
      const journal = Journal.open(folder);
      journal.outbox.push({ topic: 't', json: '{"v":1}' });
      expect(numberOf(journal.outbox.peek())).toBe(1);
      expect([...journal.records()].at(-1)).toMatchObject({ kind: 'event' });
      journal.close();
    }));

  it('gives up denials before grants and grants before alarms, the oldest first, and says which', () =>
    withFolder((folder) => {
      const journal = Journal.open(folder, { outboxBytes: 5000 });
      const worths: Worth[] = ['alarm', 'granted', 'denied', 'granted', 'denied', 'denied'];
      const numbers = worths.map((worth) => decide(journal, worth, 'x'.repeat(600)));
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
      expect(droppedIn(journal)).toEqual([]);
      decide(journal, 'granted', 'x'.repeat(600));
      expect(droppedIn(journal)).toMatchObject([{ worth: 'denied', from: 3, to: 3, count: 1 }]);
      for (let i = 0; i < 3; i++) decide(journal, 'granted', 'x'.repeat(600));
      expect(droppedIn(journal)).toMatchObject([
        { worth: 'denied', from: 3 },
        { worth: 'denied', from: 5 },
        { worth: 'denied', from: 6 },
        { worth: 'granted', from: 2 },
      ]);
      expect(journal.outbox.overflowed).toBe(4);
      // All of it stands in the journal all the same.
      expect([...journal.records()].filter(({ kind }) => kind === 'decision')).toHaveLength(10);
      expect(deliver(journal)).toEqual([1, 4, 7, 8, 9, 10]);
      journal.close();
    }));

  it('never gives up the one that is on its way', () =>
    withFolder((folder) => {
      const journal = Journal.open(folder, { outboxBytes: 2000 });
      decide(journal, 'denied', 'x'.repeat(600));
      const underWay = journal.outbox.peek();
      for (let i = 0; i < 5; i++) decide(journal, 'granted', 'x'.repeat(600));
      expect(journal.outbox.peek()).toBe(underWay);
      journal.outbox.settle(underWay!);
      expect(deliver(journal)).toEqual([6]);
      journal.close();
    }));

  it('over any sequence of appends, deliveries, restarts and crashes: in order, each once after dropping repetitions, within its bound', async () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          worth: fc.constantFrom<Worth>('denied', 'granted', 'alarm'),
          pad: fc.nat(900),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const), most: fc.nat(6) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'crash' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), (actions) =>
        withFolder((folder) => {
          const open = (): Journal => Journal.open(folder, { outboxBytes: 6000 });
          let journal = open();
          const crashed: Journal[] = [];
          const appended: number[] = [];
          const seen: number[] = [];
          const receive = (numbers: readonly number[]): void => {
            for (const number of numbers) if (number > (seen.at(-1) ?? 0)) seen.push(number);
          };
          for (const each of actions)
            if (each.do === 'append') appended.push(decide(journal, each.worth, 'x'.repeat(each.pad)));
            else if (each.do === 'deliver') receive(deliver(journal, each.most));
            else {
              if (each.do === 'restart') journal.close();
              else crashed.push(journal);
              journal = open();
            }
          receive(deliver(journal));
          const lost = droppedIn(journal).reduce((sum, { count }) => sum + Number(count), 0);
          expect(appended).toEqual(appended.map((_, index) => index + 1));
          // What was given up may have been received before a crash that forgot the acknowledgement.
          expect(seen.length).toBeGreaterThanOrEqual(appended.length - lost);
          if (lost === 0) expect(seen).toEqual(appended);
          journal.outbox.flush();
          expect(journal.outbox.size).toBe(0);
          for (const each of [...crashed, journal]) each.close();
        }),
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});
