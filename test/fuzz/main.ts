/**
 * The long form: npm run fuzz -- --seconds 600 --target NAME [--seed N]. Without --target, every target in turn.
 * `--show ORDINAL` writes the input of a finding to standard output.
 */
import { parseArgs } from 'node:util';
import { fuzz, inputOf } from './fuzz';
import { TARGETS } from './targets';

async function main(): Promise<void> {
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
  const seed = Number(values.seed);
  if (values.show !== undefined && chosen[0] !== undefined) {
    process.stdout.write(await inputOf(chosen[0], seed, Number(values.show)));
    process.exit(0);
  }
  let found = 0;
  for (const target of chosen) {
    const { inputs, taken, grownMiB, peakMiB, finding } = await fuzz(target, {
      seed,
      ms: Number(values.seconds) * 1000,
    });
    const figures = `${inputs} inputs, ${taken} taken, ${grownMiB.toFixed(1)} MiB grown, ${peakMiB.toFixed(0)} MiB at most`;
    process.stdout.write(`${finding === null ? 'ok  ' : 'FAIL'} ${target.name.padEnd(18)} ${figures} (seed ${seed})\n`);
    if (finding === null) continue;
    found++;
    process.stdout.write(`     ${finding.kind} at input ${finding.ordinal ?? '?'}: ${finding.detail}\n`);
  }
  process.exit(found === 0 ? 0 : 1);
}

void main().catch((error: unknown) => {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
});
