// Judges swipes as fast as it can and says which it acted on, until it is killed: node -r run-ts.cjs swipe-child.ts DIR FROM
import { writeSync } from 'node:fs';
import { countersIn } from '../../../src/access/door/persisted';
import { swipeMac } from '../../../src/access/swipes/swipe';
import { SwipeJudge } from '../../../src/access/swipes/swipe-judge';
import { Store } from '../../../src/store/store';

const [, , dir = '', from = '0'] = process.argv;
const key = new Uint8Array(32).fill(7);
const scope = { site: 'gym', device: 'box', reader: 'r' };
const judge = new SwipeJudge({ scope, key, freshMs: 60_000 }, countersIn(Store.open(dir)), {
  now: Date.now,
  doubt: () => null,
});
for (let counter = Number(from); ; counter++) {
  const message = { v: 1 as const, id: '4711', at: Date.now(), counter };
  const verdict = judge.judge({ ...message, mac: swipeMac(key, scope, message) });
  writeSync(1, `${verdict.ok ? 'acted' : verdict.reason} ${counter}\n`);
}
