import { mkdtempSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT, prove } from '../../support/proof';
import { argumentFor, readArgued } from './argued';
import { KEPT } from './kept';
import { changedSince, isReached, keep, lastRecord, recordOf } from './record';
import { faultsOf, figuresOf, textOf } from './report';
import { isKilled, runMutants } from './run';
import { sources, tests } from './scope';

const HELP = `npm run mutation -- [options]
  --json         figures and survivors as JSON on standard output
  --last         what the last full run found; runs nothing
  --files TEXT   only sources whose path holds the text (again for more)
  --tests TEXT   only test files whose path holds the text (again for more)
  --sample SHARE only this share of the mutants, 0 to 1
  --workers N    processes that try mutants; default: one for each core, at most 2
  --minutes N    at most so long; default 60
  --fresh        use no results of earlier runs, also of those that were stopped
  --unargued     survivors that nobody has argued, as entries for test/proofs/mutation-argued.json
`;

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      last: { type: 'boolean', default: false },
      files: { type: 'string', multiple: true },
      tests: { type: 'string', multiple: true },
      sample: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(Math.max(1, Math.min(2, cpus().length))) },
      minutes: { type: 'string', default: '60' },
      fresh: { type: 'boolean', default: false },
      unargued: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

function showLast(json: boolean): void {
  const record = lastRecord();
  process.stdout.write(json ? `${JSON.stringify(figuresOf(record))}\n` : textOf(record));
  const changed = changedSince(record);
  if (changed.length > 0) process.stderr.write(`changed since that run: ${changed.join(', ')}\n`);
}

/** Standard output is the report's; all else goes to standard error. */
function main(): void {
  const given = options();
  if (given.help) process.stdout.write(HELP);
  else if (given.last) {
    try {
      showLast(given.json);
    } catch {
      process.stderr.write('mutation: no run is kept in test/proofs/mutation.json: run it without --last\n');
      process.exitCode = EXIT.nothingProved;
    }
  } else void prove('mutation', ({ onEnd }) => run(given, onEnd), { conclusionOn: process.stderr });
}

async function run(given: ReturnType<typeof options>, onEnd: (cleanUp: () => void) => void) {
  const wanted = given.files ?? [''];
  const chosen = sources().filter((file) => wanted.some((text) => file.includes(text)));
  if (chosen.length === 0) throw new Error(`no source holds ${wanted.join(' or ')} in its path`);
  const trying = tests().filter((file) => (given.tests ?? ['']).some((text) => file.includes(text)));
  const [share, minutes, workers] = [Number(given.sample), Number(given.minutes), Number(given.workers)];
  if (!(share > 0 && share <= 1 && minutes > 0 && workers >= 1)) throw new Error(`a number is out of range\n${HELP}`);
  const report = await runMutants({
    ...{ sources: sources(), tests: trying, minutes, workers, onEnd },
    chosen: ({ number, file }) =>
      chosen.includes(file) && Math.floor((number + 1) * share) > Math.floor(number * share),
    kept: KEPT,
    folder: mkdtempSync(path.join(tmpdir(), 'mutants-')),
    reuse: !given.fresh,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const all = readArgued();
  const argued = all.filter(({ file }) => chosen.includes(file));
  const record = recordOf(report, argued);
  const whole = chosen.length === sources().length && given.tests === undefined && share === 1;
  // A run whose time was up is one, too, where what was not tried cannot change what it says.
  if (whole && (report.untried === 0 || isReached(record))) keep(record);
  if (given.unargued) {
    const known = new Set(
      record.survivors.filter((each) => each.argued === null).map(({ file, line }) => `${file}:${line}`),
    );
    const open = report.judged.filter(
      ({ mutant, known: { status } }) => !isKilled({ status }) && known.has(`${mutant.file}:${mutant.line}`),
    );
    const entries = open.map(({ mutant }) => ({ ...argumentFor(mutant), reason: '' }));
    process.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
  } else process.stdout.write(given.json ? `${JSON.stringify(figuresOf(record))}\n` : textOf(record));
  const faults = faultsOf(record);
  if (report.untried > 0) faults.push(`the time did not suffice for ${report.untried} mutants`);
  return { tried: record.mutants, faults };
}

main();
