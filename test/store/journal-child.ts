// Appends as a command would, while others do the same: journal-child.ts DATADIR COUNT MEMBER
import { Journal } from '../../src/store/journal';

const [, , dataDir = '', count = '0', member = ''] = process.argv;
const journal = Journal.open(dataDir);
for (let i = 0; i < Number(count); i++) {
  journal.append('member', { member, turn: i });
  journal.appendEvent('decision', () => ({ topic: 't', worth: 'denied', body: { member, turn: i } }));
}
journal.close();
