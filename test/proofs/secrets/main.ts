import { countOf, prove } from '../../support/proof';
import { tryAddresses } from './proof';
import { tryRealRuns } from './real-run';

/** `npm run secrets -- 100000 [seed]`: generated addresses through every output, then real daemons; 1 if a secret is shown anywhere. */
void prove('secrets', async ({ onEnd }) => {
  const count = countOf(process.argv[2], 100_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  process.stdout.write(`${count} addresses, seed ${seed}\n`);
  const { tried, texts, faults } = tryAddresses(count, seed, (done) => process.stdout.write(`${done} addresses\n`));
  const real = await tryRealRuns(onEnd);
  process.stdout.write(`${texts} texts of ${tried} addresses, ${real.bytes} bytes of ${real.tried} real runs\n`);
  return { tried: tried + real.tried, faults: [...faults, ...real.faults] };
});
