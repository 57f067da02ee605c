import { Command } from 'commander';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { atMost, type Figure, withGoal } from '../../report/figure';
import { OwnBroker } from '../daemon/own-broker';
import { Simulation } from './simulation';
import type { SimulationFigures } from './simulation-watch';
import { share, wholeNumber } from '../../../terminal/arguments';
import { printFigures } from '../../report/figures';
import { stagesOf } from '../../../terminal/fleet-options';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly boxes: number;
  readonly connections: number;
  readonly rollout: string;
  readonly failing: number;
  readonly bad: number;
  readonly outages: number;
  readonly seed: number;
  readonly broker?: string;
  readonly dir?: string;
  readonly json?: boolean;
}

/** In memory: the disks of ten thousand boxes are not what is measured. */
const MEMORY = '/dev/shm';

/** `usher fleet simulate`: runs rollouts over many simulated boxes. */
export function fleetSimulateCommand(): Command {
  return new Command('simulate')
    .description('simulate many boxes without cameras on one mosquitto: a good release reaches all, a bad one stops')
    .option('-n, --boxes <n>', 'boxes', wholeNumber, 1000)
    .option('--connections <n>', 'connections to the broker; the boxes share them', wholeNumber, 64)
    .option('--rollout <stages>', 'stages of both releases', '5%,25%,100%')
    .option('--failing <share>', 'share of the boxes on which the good release fails', share, 0.005)
    .option('--bad <share>', 'share of the boxes on which the bad release fails', share, 0.4)
    .option(
      '--outages <share>',
      'probability at each message of a box that its connection or its power fails',
      share,
      0.02,
    )
    .option('--seed <n>', 'seed that determines which boxes fail', wholeNumber, 1)
    .option('--broker <url>', 'use your own, empty broker instead of starting a mosquitto')
    .option('--dir <dir>', 'folder for the disks of the boxes while it runs (default: in memory if there is /dev/shm)')
    .option('--json', 'print JSON')
    .action(simulate);
}

async function simulate(options: Options): Promise<void> {
  const { boxes, connections, failing, bad, outages, seed, json = false } = options;
  const stages = stagesOf(options.rollout);
  const dir = resolve(options.dir ?? (existsSync(MEMORY) ? MEMORY : tmpdir()));
  const folder = mkdtempSync(join(tmpdir(), 'usher-broker-'));
  const progress = createProgress();
  const own = options.broker === undefined ? await OwnBroker.start(folder) : null;
  try {
    const figures = await new Simulation({
      boxes,
      connections,
      stages,
      failing,
      bad,
      outages,
      seed,
      dir,
      broker: { url: options.broker ?? own?.url ?? '', pid: own?.pid ?? null },
      onProgress: (what, done) => progress.update(what, done),
    }).run();
    progress.done();
    // The simulation's result is only what these figures show.
    printFigures(figuresOf(figures), { json, require: true, more: { ...figures } });
  } finally {
    progress.done();
    await own?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf(result: SimulationFigures): Figure[] {
  const { boxes, committed, goodMs, pause, beyondFirst, kept, untrue, untrueOnTheWay, rssMb, brokerRssMb } = result;
  const figure = (name: string, value: number | null, unit: string, note?: string): Figure => ({
    name,
    value,
    unit,
    ...(note === undefined ? {} : { note }),
  });
  return [
    figure('fleet.boxes', boxes, ''),
    figure('fleet.committed', committed / boxes, 'ratio', `${committed} of ${boxes}; the others failed their trial`),
    figure('fleet.offer_to_all_s', goodMs / 1000, 's'),
    withGoal(figure('fleet.bad_stopped_in_stage', pause.stage + 1, '', pause.why), atMost(1)),
    withGoal(figure('fleet.bad_beyond_stage', beyondFirst, ''), atMost(0)),
    figure('fleet.good_after_abort', kept, ''),
    withGoal(figure('fleet.table_untrue', untrue + untrueOnTheWay, ''), atMost(0)),
    withGoal(
      figure('fleet.memory_mb', rssMb + (brokerRssMb ?? 0), 'MB', 'resident: boxes, manager, broker'),
      atMost(1500),
    ),
  ];
}
