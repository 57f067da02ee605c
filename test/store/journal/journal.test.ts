import { execFile } from 'node:child_process';
import fc from 'fast-check';
import path from 'node:path';
import { promisify } from 'node:util';
import { canonicalJson, type Json } from '../../../src/canonical';
import { Database } from '../../../src/store/database/database';
import { type EventEntry, Journal } from '../../../src/store/journal/journal';
import { bodyOf } from '../../../src/store/journal/journal-reader';
import { bodyText } from '../../../src/store/journal/journal-body';
import { ChainCheck, type JournalRecord } from '../../../src/store/journal/journal-chain';
import { withFolder } from '../harness';
import { sha256Hex } from '../../../src/digest';

const check = (records: Iterable<JournalRecord>, known: { seq: number; hash: string }[] = []) => {
  const chain = new ChainCheck(known);
  for (const record of records) chain.next(record);
  chain.end();
  return chain;
};

const findingsOf = (records: Iterable<JournalRecord>, known: { seq: number; hash: string }[] = []) =>
  check(records, known).findings;

const denied = (topic = 'door/decision'): EventEntry => ({ topic, worth: 'denied', body: { outcome: 'denied' } });

const withJournal = <T>(
  work: (journal: Journal, folder: string) => T,
  options: Parameters<typeof Journal.open>[1] = {},
) =>
  withFolder((folder) => {
    const journal = Journal.open(folder, options);
    try {
      return work(journal, folder);
    } finally {
      journal.close();
    }
  });

describe('the journal', () => {
  it('begins with its genesis, chains what follows, and is the same after it was closed', () =>
    withFolder((folder) => {
      const first = Journal.open(folder, { now: () => 1000 });
      first.append('enrolment', { member: '4711', templates: 2 });
      first.appendEvent('decision', ({ seq }) => ({ ...denied(), body: { seq, outcome: 'denied' } }));
      const { id } = first;
      const head = first.head();
      first.close();
      const again = Journal.open(folder);
      expect(again.id).toBe(id);
      expect(again.head()).toEqual(head);
      again.append('stop', {});
      const records = [...again.records()];
      expect(records.map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, 'genesis'],
        [2, 'enrolment'],
        [3, 'decision'],
        [4, 'stop'],
      ]);
      expect(records[0]).toMatchObject({ at: 1000, body: `{"journal":"${id}","v":1}`, prev: '0'.repeat(64) });
      expect(records.slice(1).map(({ prev }) => prev)).toEqual(records.slice(0, -1).map(({ hash }) => hash));
      expect(check(records, [head]).findings).toEqual([]);
      again.close();
    }));

  it('can be recomputed by anyone from the exported record: domain, newline, RFC 8785', () =>
    withJournal((journal) => {
      const { hash, ...rest } = journal.append('enrolment', { member: 'é\u2028"', templates: 0.1 });
      const statement = { ...rest, body: JSON.parse(rest.body) as Json };
      const text = `usher-journal-v1\n${canonicalJson(statement)}`;
      expect(sha256Hex(text)).toBe(hash);
    }));

  it('gives events numbers of their own, without gaps, over restarts', () =>
    withFolder((folder) => {
      const numbers: number[] = [];
      for (let boot = 0; boot < 3; boot++) {
        const journal = Journal.open(folder);
        journal.append('start', {});
        for (let i = 0; i < 2; i++)
          journal.appendEvent('decision', ({ seq }) => {
            numbers.push(seq);
            return denied();
          });
        journal.close();
      }
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
    }));

  it('keeps nothing of an append that fails half-way, and gives its number to the next', () =>
    withJournal((journal) => {
      const head = journal.head();
      expect(() =>
        journal.appendEvent('decision', () => {
          throw new Error('no payload');
        }),
      ).toThrow('no payload');
      expect(() => journal.appendEvent('decision', () => ({ ...denied(), body: { vector: 1 } }))).toThrow('"vector"');
      expect(journal.head()).toEqual(head);
      journal.appendEvent('decision', ({ seq }) => {
        expect(seq).toBe(1);
        return denied();
      });
      expect(journal.outbox.size).toBe(1);
    }));

  it('is pruned from its beginning, stays verifiable from there on, and is whole only where it says so itself', () =>
    withFolder((folder) => {
      let now = 1000;
      const journal = Journal.open(folder, { now: () => now });
      for (let i = 0; i < 5; i++) {
        now += 1000;
        journal.append('start', { i });
      }
      const before = [...journal.records()];
      expect(journal.datedBefore(1000, 99)).toBe(0);
      expect(journal.datedBefore(4000, 99)).toBe(3);
      expect(journal.datedBefore(4000, 2)).toBe(2);
      expect(journal.prune(0)).toBe(0);
      expect(journal.prune(3)).toBe(3);
      const kept = [...journal.records()];
      expect(kept.map(({ seq }) => seq)).toEqual([4, 5, 6, 7]);
      expect(bodyOf(kept.at(-1)!)).toMatchObject({ upTo: 3, hash: before[2]!.hash });
      expect(findingsOf(kept)).toEqual([]);
      // A head that lies before, at and behind the place.
      for (const head of [before[1]!, before[2]!, before[4]!]) expect(findingsOf(kept, [head])).toEqual([]);
      expect(findingsOf(kept, [{ seq: 3, hash: 'f'.repeat(64) }])).toMatchObject([{ fault: 'rewritten', from: 3 }]);
      // Somebody takes away one more, or the record that tells of it.
      expect(findingsOf(kept.slice(1))).toMatchObject([{ fault: 'missing', from: 1, to: 4 }]);
      expect(findingsOf(kept.slice(0, -1))).toMatchObject([{ fault: 'missing', from: 1, to: 3 }]);
      // All of it, and once more: the chain goes on.
      expect(journal.prune(journal.datedBefore(now + 1, Infinity))).toBe(4);
      journal.append('stop', {});
      expect(findingsOf([...journal.records()])).toEqual([]);
      journal.close();
    }));

  it('prunes nothing that the broker has not got', () =>
    withJournal((journal) => {
      journal.append('start', {});
      journal.appendEvent('decision', () => denied());
      journal.append('stop', {});
      expect(journal.prune(Number.MAX_SAFE_INTEGER)).toBe(2);
      expect(journal.outbox.peek()).toBeDefined();
      expect([...journal.records()].map(({ kind }) => kind)).toEqual(['decision', 'stop', 'pruned']);
    }));

  it('records a configuration or model only when it is another than the last', () =>
    withJournal((journal) => {
      expect(journal.appendIfNew('configuration', { sha256: 'a' })).not.toBeNull();
      expect(journal.appendIfNew('configuration', { sha256: 'a' })).toBeNull();
      expect(journal.appendIfNew('configuration', { sha256: 'b' })).not.toBeNull();
      expect(journal.appendIfNew('configuration', { sha256: 'a' })).not.toBeNull();
      expect(journal.appendIfNew('model', { camera: 'hall', models: ['x'] }, 'camera')).not.toBeNull();
      expect(journal.appendIfNew('model', { camera: 'yard', models: ['y'] }, 'camera')).not.toBeNull();
      expect(journal.appendIfNew('model', { camera: 'hall', models: ['x'] }, 'camera')).toBeNull();
      expect(journal.appendIfNew('model', { camera: 'yard', models: ['x'] }, 'camera')).not.toBeNull();
    }));

  it('reads any number of records in pages, forward, from the middle and back', () =>
    withJournal((journal) => {
      for (let i = 0; i < 600; i++) journal.append('member', { member: String(i) });
      const numbers = (records: Iterable<JournalRecord>): number[] => [...records].map(({ seq }) => seq);
      const all = Array.from({ length: 601 }, (_, index) => index + 1);
      expect(numbers(journal.records())).toEqual(all);
      expect(numbers(journal.records({ after: 300 }))).toEqual(all.slice(300));
      expect(numbers(journal.newest())).toEqual([...all].reverse());
    }));

  it('can be read, not written, by a command, also while it is open elsewhere', () =>
    withJournal((journal, folder) => {
      const reader = Journal.open(folder, { readonly: true });
      journal.append('start', {});
      expect(reader.head().seq).toBe(2);
      expect(() => reader.append('stop', {})).toThrow('cannot be written');
      reader.close();
      expect(() => Journal.open(path.join(folder, 'none'), { readonly: true })).toThrow('there is no');
    }));
});

describe('processes that append at once', () => {
  it('make one chain, each in its own order, from the first moment of the file', () =>
    withFolder(async (folder) => {
      const run = promisify(execFile);
      const script = [path.join(__dirname, '../../support/run-ts.cjs'), path.join(__dirname, '../journal-child.ts')];
      const members = ['a', 'b', 'c', 'd'];
      await Promise.all(members.map((member) => run(process.execPath, ['-r', ...script, folder, '40', member])));
      const journal = Journal.open(folder);
      const records = [...journal.records()];
      expect(check(records).findings).toEqual([]);
      expect(records).toHaveLength(1 + members.length * 80);
      for (const member of members) {
        const turns = records.map((record) => bodyOf(record)).filter((body) => body['member'] === member);
        expect(turns.map((body) => body['turn'])).toEqual(Array.from({ length: 80 }, (_, i) => Math.floor(i / 2)));
      }
      journal.close();
    }));
});

describe('what a record may hold', () => {
  it.each<[string, Json]>([
    ['a name', { name: 'Ada' }],
    ['a nested name', { member: { id: 'a', Name: 'Ada' } }],
    ['a vector under another word', { facts: Array.from({ length: 17 }, (_, i) => i / 17) }],
    ['a picture in base64', { note: 'A'.repeat(2000) }],
    ['a picture', { image: '…' }],
    ['a very long list', { items: Array.from({ length: 100 }, () => 'x') }],
    ['something deep', { a: { b: { c: { d: { e: 1 } } } } }],
    ['half a character', { note: '\ud800' }],
    ['no number', { distance: NaN }],
  ])('refuses %s', (_, body) => {
    expect(() => bodyText('event', body as never)).toThrow(/journal record|JSON text/);
  });

  it('takes a decision', () => {
    expect(bodyText('decision', { v: 1, votes: 3, distance: 0.71, member: null, at: 1 })).toBe(
      '{"at":1,"distance":0.71,"member":null,"v":1,"votes":3}',
    );
  });
});

describe('a chain that somebody tampered with', () => {
  /** A journal of 12 records, one of them rewritten in SQL by `tamper`; hashes recomputed by `rehash` as a clever attacker would. */
  const tampered = async (tamper: (database: Database) => void, known: 'head' | 'none' = 'none') =>
    withFolder((folder) => {
      const journal = Journal.open(folder);
      for (let i = 0; i < 6; i++) {
        journal.append('member', { member: `m${i}`, change: 'suspended' });
        journal.appendEvent('decision', () => ({ ...denied(), body: { outcome: 'denied', member: `m${i}` } }));
      }
      const head = journal.head();
      journal.close();
      const database = Database.open(journal.file, { readonly: false, busyTimeoutMs: 100, journal: 'wal' });
      database.exec('PRAGMA foreign_keys = OFF');
      tamper(database);
      database.close();
      const reader = Journal.open(folder, { readonly: true });
      const { findings } = check(reader.records(), known === 'head' ? [head] : []);
      reader.close();
      return findings;
    });

  const rehash = (database: Database, from: number): void => {
    let prev = String(database.get('SELECT hash FROM records WHERE seq = ?', from - 1)?.['hash']);
    for (const row of database.all('SELECT * FROM records WHERE seq >= ? ORDER BY seq', from)) {
      const { seq, at, kind, body } = row as unknown as JournalRecord;
      const text = `usher-journal-v1\n{"at":${at},"body":${body},"kind":"${kind}","prev":"${prev}","seq":${seq}}`;
      const hash = sha256Hex(text);
      database.run('UPDATE records SET prev = ?, hash = ? WHERE seq = ?', prev, hash, seq);
      prev = hash;
    }
  };
  const edit = (sql: string) => (database: Database) => database.exec(sql);
  const swapBodies = edit(`
    CREATE TEMP TABLE two AS SELECT seq, at, kind, body, prev, hash FROM records WHERE seq IN (4, 6);
    UPDATE records SET (at, kind, body, prev, hash) = (SELECT at, kind, body, prev, hash FROM two WHERE seq = 6) WHERE seq = 4;
    UPDATE records SET (at, kind, body, prev, hash) = (SELECT at, kind, body, prev, hash FROM two WHERE seq = 4) WHERE seq = 6;`);
  const shiftBy = (from: number) =>
    `UPDATE records SET seq = -seq - 1 WHERE seq >= ${from}; UPDATE records SET seq = -seq WHERE seq < 0;`;
  const forged = (seq: number) => (database: Database) => {
    database.exec(shiftBy(seq));
    const prev = String(database.get('SELECT hash FROM records WHERE seq = ?', seq - 1)?.['hash']);
    database.run(`INSERT INTO records VALUES (?, 1, 'member', '{"member":"evil"}', ?, '')`, seq, prev);
  };

  it.each<[string, (database: Database) => void, unknown[]]>([
    ['nothing', () => undefined, []],
    ['a body', edit(`UPDATE records SET body = replace(body, 'm2', 'm9') WHERE seq = 6`), [['changed', 6, 6]]],
    ['a space in a body', edit(`UPDATE records SET body = body || ' ' WHERE seq = 6`), [['changed', 6, 6]]],
    ['a time', edit(`UPDATE records SET at = at + 1 WHERE seq = 6`), [['changed', 6, 6]]],
    ['a kind', edit(`UPDATE records SET kind = 'stop' WHERE seq = 6`), [['changed', 6, 6]]],
    [
      'a hash',
      edit(`UPDATE records SET hash = prev WHERE seq = 6`),
      [
        ['changed', 6, 6],
        ['unlinked', 7, 7],
      ],
    ],
    [
      'a link',
      edit(`UPDATE records SET prev = hash WHERE seq = 6`),
      [
        ['unlinked', 6, 6],
        ['changed', 6, 6],
      ],
    ],
    ['a record gone', edit('DELETE FROM records WHERE seq = 6'), [['missing', 6, 6]]],
    ['records gone', edit('DELETE FROM records WHERE seq BETWEEN 3 AND 6'), [['missing', 3, 6]]],
    ['the beginning gone', edit('DELETE FROM records WHERE seq < 3'), [['missing', 1, 2]]],
    [
      'the genesis as another kind',
      edit(`UPDATE records SET kind = 'start' WHERE seq = 1`),
      [
        ['beginning', 1, 1],
        ['changed', 1, 1],
      ],
    ],
    [
      'two exchanged',
      swapBodies,
      [
        ['unlinked', 4, 7],
        ['changed', 4, 4],
        ['changed', 6, 6],
      ],
    ],
    [
      'a record gone, the rest renumbered',
      edit(
        `DELETE FROM records WHERE seq = 6; UPDATE records SET seq = -seq + 1 WHERE seq > 6; UPDATE records SET seq = -seq WHERE seq < 0;`,
      ),
      [
        ['unlinked', 6, 6],
        ['changed', 6, 12],
      ],
    ],
    [
      'one put in, the rest renumbered',
      forged(6),
      [
        ['changed', 6, 14],
        ['unlinked', 7, 7],
      ],
    ],
    [
      'a record gone, hashes made anew',
      (database) => {
        database.exec('DELETE FROM records WHERE seq = 6');
        rehash(database, 7);
      },
      [['missing', 6, 6]],
    ],
    [
      'a repeated event number, hashes made anew',
      (database) => {
        database.exec(`UPDATE records SET body = replace(body, '"seq":4', '"seq":2') WHERE seq = 9`);
        rehash(database, 9);
      },
      [['repeated', 9, 9]],
    ],
  ])('%s', async (_, tamper, expected) => {
    const findings = await tampered(tamper);
    expect(findings.map(({ fault, from, to }) => [fault, from, to])).toEqual(expected);
  });

  it.each<[string, (database: Database) => void, unknown[]]>([
    ['the head itself', () => undefined, []],
    ['its end cut off', edit('DELETE FROM records WHERE seq > 10'), [['truncated', 11, 13]]],
    [
      'all of it made anew after a change',
      (database) => {
        edit(`UPDATE records SET body = replace(body, 'm0', 'm9')`)(database);
        rehash(database, 2);
      },
      [['rewritten', 13, 13]],
    ],
    [
      'cut off and written on',
      (database) => {
        database.exec('DELETE FROM records WHERE seq > 12');
        database.exec(`INSERT INTO records VALUES (13, 1, 'member', '{}', '', '')`);
        rehash(database, 13);
      },
      [['rewritten', 13, 13]],
    ],
  ])('seen by a head that was kept elsewhere: %s', async (_, tamper, expected) => {
    const findings = await tampered(tamper, 'head');
    expect(findings.map(({ fault, from, to }) => [fault, from, to])).toEqual(expected);
  });

  it('finds any single change of any field of any record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 13 }),
        fc.constantFrom('at', 'kind', 'body', 'prev', 'hash'),
        fc.integer({ min: 1, max: 1e6 }),
        async (seq, column, by) => {
          const value = column === 'at' ? `at + ${by}` : `${column} || '${by}'`;
          expect(await tampered(edit(`UPDATE records SET ${column} = ${value} WHERE seq = ${seq}`))).not.toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
