import { parseArgs } from 'node:util';
import { createProgress } from '../../../src/terminal/progress';
import { prove } from '../../support/proof';
import { soak } from './soak';

/** The first word comes after half a minute, the second a minute later. */
const LEAST_HOURS = 0.05;

/** `npm run soak:voice -- --hours 24`: exit code 1 when a word was missed, or memory or file handles grew. */
void prove('soak:voice', async () => {
  const { values } = parseArgs({ options: { hours: { type: 'string', default: '24' } } });
  const hours = Number(values.hours);
  if (!(hours >= LEAST_HOURS)) throw new Error(`--hours needs a number of at least ${LEAST_HOURS}`);
  const progress = createProgress();
  const result = await soak(hours, (share) => progress.update('hours of sound', share));
  progress.done();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  const { said, heard, memoryMb, handles } = result;
  const faults: string[] = [];
  if (heard < said - 1 || heard > said) faults.push(`deaf: ${heard} of ${said} words heard`);
  if (!(memoryMb[1] - memoryMb[0] <= 30)) faults.push(`memory grew from ${memoryMb[0]} to ${memoryMb[1]} MB`);
  if (!(handles[1] <= handles[0] + 2)) faults.push(`file handles grew from ${handles[0]} to ${handles[1]}`);
  return { tried: said, faults };
});
