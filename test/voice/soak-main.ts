import { parseArgs } from 'node:util';
import { createProgress } from '../../src/cli/progress';
import { soak } from './soak';

/** `npm run soak:voice -- --hours 24`: exit code 1 when a word was missed, or memory or file handles grew. */
const { values } = parseArgs({ options: { hours: { type: 'string', default: '24' } } });
const progress = createProgress();
soak(Number(values.hours), (share) => progress.update('hours of sound', share)).then(
  (result) => {
    progress.done();
    const { said, heard, memoryMb, handles } = result;
    process.stdout.write(`${JSON.stringify(result)}\n`);
    const deaf = heard < said - 1 || heard > said;
    const grown = memoryMb[1] - memoryMb[0] > 30 || handles[1] > handles[0] + 2;
    if (deaf) process.stdout.write(`deaf: ${heard} of ${said} words heard\n`);
    if (grown) process.stdout.write('memory or file handles grew\n');
    process.exitCode = deaf || grown ? 1 : 0;
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  },
);
