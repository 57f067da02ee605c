import { Storm } from './storm';

/** `npm run storm -- 100000 [seed]`: the long form of the storm; ends with 1 if anything opened that should not have, or did not. */
async function main(): Promise<void> {
  const messages = Number(process.argv[2] ?? 100_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  process.stdout.write(`${messages} messages, seed ${seed}\n`);
  const report = await new Storm({
    messages,
    seed,
    restarts: { broker: 20, actuator: 20, box: 5 },
    progress: (line) => process.stdout.write(`${line}\n`),
  }).run();
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.violations.length === 0 && report.opened === report.unlocksIssued ? 0 : 1;
}

void main();
