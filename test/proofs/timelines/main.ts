import { countOf, prove } from '../../support/proof';
import { proveTimelines } from './proof';

/** `npm run timelines -- 10000 [seed]`: ends with 1 if a door opened on a picture that it should not have opened on. */
void prove('timelines', () => {
  const count = countOf(process.argv[2], 10_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  process.stdout.write(`${count} camera timelines, seed ${seed}\n`);
  const { faults, ...figures } = proveTimelines(count, seed);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  // Doors that never open prove nothing.
  return Promise.resolve({ tried: figures.grants === 0 ? 0 : count, faults });
});
