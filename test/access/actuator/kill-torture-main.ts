import { killTorture } from './kill-torture';

/** `npm run torture:actuator -- 500 [seed]`: the long form; ends with 1 if an unlock opened twice. */
async function main(): Promise<void> {
  const kills = Number(process.argv[2] ?? 500);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  const report = await killTorture(kills, seed, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify({ seed, ...report }, null, 2)}\n`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}

void main();
