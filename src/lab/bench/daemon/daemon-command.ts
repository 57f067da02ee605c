import { Command, InvalidArgumentError } from 'commander';
import { type DaemonSample, daemonFigures } from './figures';
import { wholeNumber } from '../../../terminal/arguments';
import { BenchEntrance } from './entrance';
import { printFigures, REQUIRE } from '../../report/figures';
import { MeasuredDaemon } from './measured-daemon';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly minutes: number;
  readonly fps: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

/** Samples a run, at most, each at least this far apart: for a sample the kernel walks through all memory mappings. */
const SAMPLES = 240;
const SHORTEST_INTERVAL_S = 1;

export function benchDaemonCommand(): Command {
  return new Command('daemon')
    .description('measure start time, memory and stability of `usher run` on a recorded entrance that repeats')
    .option('--minutes <n>', 'how long to run; 30 minutes show whether memory grows', minutes, 1)
    .option('--fps <n>', 'frames per second of the camera', wholeNumber, 15)
    .option('--json', 'print JSON with every sample')
    .option('--require', REQUIRE)
    .action(benchDaemon);
}

function minutes(text: string): number {
  const value = Number(text);
  if (!(value >= 0.2 && value <= 1440)) throw new InvalidArgumentError('0.2 to 1440 minutes');
  return value;
}

async function benchDaemon({ minutes, fps, json = false, require = false }: Options): Promise<void> {
  const progress = createProgress();
  const entrance = await BenchEntrance.make({
    scene: 'whole',
    mode: 'identify',
    fps,
    onProgress: (share) => progress.update('recording', share),
  });
  let daemon: MeasuredDaemon | null = null;
  try {
    daemon = await MeasuredDaemon.start(entrance.loaded);
    const seconds = minutes * 60;
    const intervalS = Math.max(SHORTEST_INTERVAL_S, seconds / SAMPLES);
    const startedAt = performance.now();
    const samples: DaemonSample[] = [];
    for (let due = 0; due <= seconds; due += intervalS) {
      const wait = due - (performance.now() - startedAt) / 1000;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      samples.push(await daemon.sample((performance.now() - startedAt) / 1000));
      progress.update('watching the daemon', due / seconds);
    }
    progress.done();
    const { readyMs, unlocks, refusals, restarts } = daemon;
    const figures = daemonFigures({ readyMs, samples, unlocks, refusals, restarts });
    printFigures(figures, { json, require, more: { minutes, fps, samples } });
  } finally {
    progress.done();
    await daemon?.stop();
    await entrance.remove();
  }
}
