import { countOf, prove } from '../../support/proof';
import { Storm } from './storm';

/** `npm run storm -- 100000 [seed]`: the long form of the storm; ends with 1 if anything opened that should not have, or did not. */
void prove('storm', async ({ onEnd }) => {
  const messages = countOf(process.argv[2], 100_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  process.stdout.write(`${messages} messages, seed ${seed}\n`);
  const storm = new Storm({
    messages,
    seed,
    restarts: { broker: 20, actuator: 20, box: 5 },
    lane: 30,
    progress: (line) => process.stdout.write(`${line}\n`),
  });
  onEnd(() => storm.end());
  const report = await storm.run();
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const { opened, unlocksIssued } = report;
  const faults =
    opened === unlocksIssued ? [] : [`${unlocksIssued} unlocks were issued, the door opened ${opened} times`];
  return { tried: report.attacks, faults: [...report.violations, ...faults] };
});
