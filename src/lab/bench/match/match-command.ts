import { Command } from 'commander';
import { runMatchBench, matchFigures } from './match';
import { FaceApiReference } from '../face-api';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly queries: number;
  readonly referenceQueries: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

export function benchMatchCommand(): Command {
  return new Command('match')
    .description("measure exhaustive 1:N search over up to 100,000 members, compared with face-api's FaceMatcher")
    .option('--queries <n>', 'searches for each gallery size', wholeNumber, 500)
    .option('--reference-queries <n>', 'searches by FaceMatcher', wholeNumber, 20)
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(async (options: Options) => {
      const progress = createProgress();
      try {
        const faceApi = new FaceApiReference();
        await faceApi.load();
        const bench = await runMatchBench(faceApi, {
          ...options,
          onProgress: (phase, share) => progress.update(phase, share),
        });
        progress.done();
        printFigures(matchFigures(bench), {
          json: options.json === true,
          require: options.require === true,
          more: { rows: bench.rows },
        });
        if (options.json === true) return;
        process.stdout.write('\n members  dimensions  median ms  p99 ms  ns a member\n');
        for (const { members, dimensions, medianMs, p99Ms } of bench.rows) {
          const cells = [String(members).padStart(8), String(dimensions).padStart(10), medianMs.toFixed(3).padStart(9)];
          cells.push(p99Ms.toFixed(3).padStart(6), ((1e6 * medianMs) / members).toFixed(1).padStart(11));
          process.stdout.write(`${cells.join('  ')}\n`);
        }
      } finally {
        progress.done();
      }
    });
}
