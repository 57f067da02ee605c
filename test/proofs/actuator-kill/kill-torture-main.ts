import { countOf, prove } from '../../support/proof';
import { killTorture } from './kill-torture';

/** `npm run torture:actuator -- 500 [seed]`: the long form; ends with 1 if an unlock opened twice. */
void prove('torture:actuator', async () => {
  const kills = countOf(process.argv[2], 500);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  const report = await killTorture(kills, seed, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify({ seed, ...report }, null, 2)}\n`);
  // Kills that always came before the unlock, or always after it was done with, prove nothing of the moment between.
  const faults = report.opened > 0 ? report.violations : [...report.violations, 'no unlock opened at all'];
  return { tried: report.opened + report.lost, faults };
});
