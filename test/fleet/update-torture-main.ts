// npm run torture:update -- 500
import { torture } from './update-torture';

const kills = Number(process.argv[2] ?? 500);
void torture(kills, (facts) => {
  if (facts.kills % 20 < 2) process.stdout.write(`\r${facts.kills} of ${kills} kills, ${facts.updates} updates   `);
}).then(
  ({ kills: done, updates, oldBoots, newBoots }) =>
    process.stdout.write(
      `\n${done} kills, ${updates} updates: ${oldBoots} boots with the old version, ${newBoots} with the new one, 0 with neither\n`,
    ),
  (error: unknown) => {
    process.stdout.write(`\n${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
    process.exitCode = 1;
  },
);
