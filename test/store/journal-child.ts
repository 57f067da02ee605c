// Appends as a command would, while others do the same: journal-child.ts DATADIR COUNT MEMBER
import { UsherError } from '../../src/errors';
import { Journal } from '../../src/store/journal/journal';

/** Does what the error's remedy says: on a slow disk four processes in a tight loop outlast the busy timeout now and then. */
function patiently<T>(work: () => T): T {
  for (let left = 30; ; left--)
    try {
      return work();
    } catch (error) {
      if (left === 0 || !(error instanceof UsherError) || !error.message.includes('locked it for too long'))
        throw error;
    }
}

const [, , dataDir = '', count = '0', member = ''] = process.argv;
const journal = patiently(() => Journal.open(dataDir));
for (let i = 0; i < Number(count); i++) {
  patiently(() => journal.append('member', { member, turn: i }));
  patiently(() => journal.appendEvent('decision', () => ({ topic: 't', worth: 'denied', body: { member, turn: i } })));
}
journal.close();
