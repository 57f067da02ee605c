// npm run torture:update -- 500 [--channel config]
import { parseArgs } from 'node:util';
import { torture, TORTURED } from './update-torture';

const { values, positionals } = parseArgs({
  options: { channel: { type: 'string', default: TORTURED[0] } },
  allowPositionals: true,
});
const kills = Number(positionals[0] ?? 500);
void torture(values.channel ?? '', kills, 1, (facts) => {
  if (facts.kills % 20 < 2) process.stdout.write(`\r${facts.kills} of ${kills} kills, ${facts.updates} updates   `);
}).then(
  ({ kills: done, updates, ledBack, oldBoots, newBoots }) =>
    process.stdout.write(
      `\n${values.channel ?? ''}: ${done} kills, ${updates} updates, ${ledBack} led back: ${oldBoots} boots with the old version, ${newBoots} with the new one, 0 with neither\n`,
    ),
  (error: unknown) => {
    process.stdout.write(`\n${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
    process.exitCode = 1;
  },
);
