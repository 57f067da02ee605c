import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson } from '../../../src/canonical';
import { csvLine, jsonLine, recordText, verdictText } from '../../../src/cli/audit/report';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { withFolder } from '../../store/harness';
import { sha256Hex } from '../../../src/digest';

const MAIN = path.resolve(__dirname, '../../../dist/main.js');
const audit = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'audit', ...args], { encoding: 'utf8' });

/** A journal of days: one decision each, from 1 May 2026. */
const DAY = 86_400_000;
const FIRST = Date.parse('2026-05-01T12:00:00Z');

function fill(folder: string, days: number): { head: string; journal: string } {
  let at = FIRST - DAY;
  const journal = Journal.open(folder, { now: () => at });
  for (let day = 0; day < days; day++) {
    at += DAY;
    journal.appendEvent('decision', ({ seq }) => ({
      topic: 't',
      worth: 'denied',
      body: { seq, door: 'front', member: `m${day}`, outcome: 'denied', reason: 'mismatch', distance: 1.25 },
    }));
  }
  const { seq, hash } = journal.head();
  journal.close();
  return { head: `${seq}:${hash}`, journal: journal.id };
}

describe('usher audit', () => {
  it('verifies a whole chain, with the head that was kept, and leaves the file alone', () =>
    withFolder((folder) => {
      const { head, journal } = fill(folder, 5);
      const before = statSync(path.join(folder, 'journal.db')).mtimeMs;
      const result = audit('verify', '--data', folder, '--head', head);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(result.stdout).toContain(`journal ${journal}, 6 records, head ${head}`);
      expect(result.stdout).toContain('the chain is intact');
      expect(statSync(path.join(folder, 'journal.db')).mtimeMs).toBe(before);
      expect(audit('verify', '--data', folder).stderr).toContain('--head SEQ:HASH');
    }));

  it('says what is wrong, in words and in JSON, and ends with 1', () =>
    withFolder((folder) => {
      const { head } = fill(folder, 5);
      const database = Database.open(path.join(folder, 'journal.db'), {
        readonly: false,
        busyTimeoutMs: 100,
        journal: 'wal',
      });
      database.exec(
        `PRAGMA foreign_keys = OFF; UPDATE records SET body = replace(body, 'm1', 'm9') WHERE seq = 3; DELETE FROM records WHERE seq > 4`,
      );
      database.close();
      const told = audit('verify', '--data', folder, '--head', head);
      expect(told.status).toBe(1);
      expect(told.stdout).toContain('record 3: the content was changed');
      expect(told.stdout).toContain('records 5 to 6: cut off');
      expect(told.stderr).toContain('→');
      const json = audit('verify', '--data', folder, '--head', head, '--json');
      expect(json.status).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({
        records: 4,
        findings: [
          { fault: 'changed', from: 3, to: 3 },
          { fault: 'truncated', from: 5, to: 6 },
        ],
      });
    }));

  it('exports lines whose hashes anyone can check, in windows of time', () =>
    withFolder((folder) => {
      const { head } = fill(folder, 5);
      const all = audit('export', '--data', folder);
      expect(all.status).toBe(0);
      expect(all.stderr).toContain(`head ${head}`);
      const records = all.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(records).toHaveLength(6);
      for (const { hash, ...rest } of records) expect(sha256Hex(`usher-journal-v1\n${canonicalJson(rest)}`)).toBe(hash);
      const part = audit('export', '--data', folder, '--from', '2026-05-02', '--to', '2026-05-04T12:00:00Z');
      expect(
        part.stdout
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { seq: number }).seq),
      ).toEqual([3, 4]);
      const csv = audit('export', '--data', folder, '--format', 'csv', '--from', '2026-05-05')
        .stdout.trim()
        .split('\n');
      expect(csv[0]).toBe('seq,time,kind,door,member,outcome,reason,hash,body');
      expect(csv[1]).toMatch(
        /^6,2026-05-05T12:00:00\.000Z,decision,front,m4,denied,mismatch,[0-9a-f]{64},"\{""distance"":1\.25,/,
      );
    }));

  it('shows the latest, of one kind if wanted', () =>
    withFolder((folder) => {
      fill(folder, 5);
      const lines = audit('show', '--data', folder, '-n', '2').stdout.trim().split('\n');
      expect(lines).toHaveLength(2);
      expect(lines[1]).toMatch(/6 {2}2026-05-05T12:00:00\.000Z {2}decision .*door=front .*member=m4/);
      expect(audit('show', '--data', folder, '--kind', 'genesis').stdout).toContain('genesis');
    }));

  it.each([
    [['verify', '--data', '/nowhere/at/all'], 1, 'does not exist'],
    [['verify', '--data', '/tmp', '--head', '5'], 2, '64 hex digits'],
    [['export', '--data', '/tmp', '--from', 'yesterday'], 2, 'a time like'],
    [['export', '--data', '/tmp', '--format', 'xml'], 2, 'jsonl, csv'],
    [['show', '--data', '/tmp', '--kind', 'gossip'], 2, 'Allowed choices'],
  ])('%j', (args, status, text) => {
    const result = audit(...args);
    expect(result).toMatchObject({ status });
    expect(result.stderr).toContain(text);
  });
});

describe('what people and spreadsheets are shown', () => {
  const record = { seq: 3, at: 0, kind: 'member', body: '{"door":"=1+1","member":"a\\"b"}', prev: 'p', hash: 'h' };

  it('lets no cell be a formula and quotes what must be', () => {
    expect(csvLine().line(record)).toBe(
      `3,1970-01-01T00:00:00.000Z,member,'=1+1,"a""b",,,h,"{""door"":""=1+1"",""member"":""a\\""b""}"`,
    );
  });

  it('survives a damaged body', () => {
    expect(recordText({ ...record, body: '{' })).toContain('damaged=true');
    expect(csvLine().line({ ...record, body: '[1' })).toContain(',h,[1');
    expect(jsonLine(record)).toBe(`{"seq":3,"at":0,"kind":"member","prev":"p","hash":"h","body":${record.body}}`);
  });

  it('names one record and a stretch of them', () => {
    const verdict = { journal: 'j', records: 9, head: { seq: 9, hash: 'h' } };
    expect(
      verdictText({
        ...verdict,
        findings: [
          { fault: 'missing', from: 2, to: 4 },
          { fault: 'unlinked', from: 7, to: 7 },
        ],
      }),
    ).toMatch(/records 2 to 4: removed\nrecord 7: does not follow/);
  });
});
