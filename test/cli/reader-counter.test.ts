import { join } from 'node:path';
import { Database } from '../../src/store/database/database';
import { Journal } from '../../src/store/journal/journal';
import { createReaderKey } from '../../src/access/swipes/reader-key';
import { Installation, usher } from '../support/daemon';

test('an operator sees the counter of a reader, sets it anew, and the journal keeps it', async () => {
  const installation = await Installation.make({
    cameras: [{ id: 'cam', source: { type: 'folder', path: 'nothing-here' } }],
    doors: [{ id: 'main', camera: 'cam', readers: ['keyed', 'open'] }],
    readers: [
      { id: 'keyed', source: { type: 'mqtt' }, keyFile: 'reader.key' },
      { id: 'open', source: { type: 'mqtt' } },
    ],
  });
  try {
    createReaderKey(join(installation.dir, 'reader.key'));
    const counter = (...args: string[]) => usher('reader', 'counter', ...args, '--config', installation.config);
    expect(await counter('keyed', '--set', '41', '--by', 'desk', '--json')).toMatchObject({
      code: 0,
      stdout: '{"id":"keyed","last":41}\n',
    });
    expect((await counter('keyed')).stdout).toContain('the last counter is 41');
    for (const args of [
      ['open'],
      ['nobody'],
      ['main', '--contact'],
      ['keyed', '--set', '-1'],
      ['keyed', '--set', '1e3'],
    ])
      expect((await counter(...args)).code).not.toBe(0);
    const spoil = Database.open(join(installation.dir, 'data', 'usher.db'), {
      ...{ readonly: false, busyTimeoutMs: 1000, journal: 'wal' },
    });
    spoil.exec("UPDATE meta SET value = '7' || value WHERE key LIKE 'counter%'");
    spoil.close();
    expect((await counter('keyed')).stderr).toContain('changed outside usher');
    expect((await counter('keyed', '--set', '41', '--by', 'desk')).stdout).toContain('the last counter is 41');
    const journal = Journal.open(join(installation.dir, 'data'), { readonly: true });
    expect(JSON.parse(journal.latest('counter')?.body ?? '{}')).toMatchObject({ source: 'keyed', set: 41, by: 'desk' });
    journal.close();
  } finally {
    await installation.remove();
  }
}, 60_000);
