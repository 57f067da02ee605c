/**
 * The long form: npm run fuzz -- --seconds 600 --target NAME [--seed N]. Without --target, every target in turn.
 * `--show ORDINAL` writes the input of a finding to standard output.
 */
import { parseArgs } from 'node:util';
import { prove } from '../../support/proof';
import { fuzz, inputOf } from './fuzz';
import { TARGETS } from './targets';

void prove('fuzz', async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      show: { type: 'string' },
    },
  });
  const targets = TARGETS.map((make) => make());
  const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
  if (chosen.length === 0) throw new Error(`no such target; there is: ${targets.map(({ name }) => name).join(', ')}`);
  const [seed, seconds] = [Number(values.seed), Number(values.seconds)];
  if (!(seconds > 0)) throw new Error('--seconds needs a number above 0');
  if (values.show !== undefined && chosen[0] !== undefined) {
    process.stdout.write(await inputOf(chosen[0], seed, Number(values.show)));
    process.exit(0);
  }
  let tried = 0;
  const faults: string[] = [];
  for (const target of chosen) {
    const { inputs, taken, grownMiB, peakMiB, finding } = await fuzz(target, { seed, ms: seconds * 1000 });
    const figures = `${inputs} inputs, ${taken} taken, ${grownMiB.toFixed(1)} MiB grown, ${peakMiB.toFixed(0)} MiB at most`;
    process.stdout.write(`${finding === null ? 'ok  ' : 'FAIL'} ${target.name.padEnd(18)} ${figures} (seed ${seed})\n`);
    tried += inputs;
    if (inputs === 0) faults.push(`${target.name} was fed nothing`);
    if (finding !== null)
      faults.push(`${target.name}: ${finding.kind} at input ${finding.ordinal ?? '?'}: ${finding.detail}`);
  }
  return { tried, faults };
});
