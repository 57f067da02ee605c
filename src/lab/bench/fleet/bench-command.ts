import { Command } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from '../../../daemon/app';
import { UsherError } from '../../../errors';
import { BenchClient } from '../daemon/client';
import { measureSwipes, type SwipeTiming } from '../daemon/swipes';
import { atMost, type Figure, withGoal } from '../../report/figure';
import { BenchRelease } from './bench-release';
import { OwnBroker } from '../daemon/own-broker';
import { quantile } from '../../../quantile';
import { createLog } from '../../../system/log';
import { chooseModels } from '../../../vision/faces/load';
import { wholeNumber } from '../../../terminal/arguments';
import { inTime } from '../daemon/door-command';
import { BENCH_MEMBER, BENCH_READER, BenchEntrance } from '../daemon/entrance';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly swipes: number;
  readonly rounds: number;
  readonly kbit: number;
  readonly fps: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

const WARM_UP = 5;
/** A swipe with its pause takes about half a second; the transfer must take longer than all swipes. */
const SECONDS_A_SWIPE = 1.2;
const MOST_BYTES = 80 * 1024 * 1024;

/** `usher bench fleet`: measures the door during a transfer. */
export function benchFleetCommand(): Command {
  return new Command('fleet')
    .description(
      'measure the time from swipe to unlock while a release is transferred on the same MQTT connection, compared with idle',
    )
    .option('--swipes <n>', 'swipes to measure in each of the two states', wholeNumber, 100)
    .option(
      '--rounds <n>',
      'how often to alternate between idle and transfer, so that other load affects both',
      wholeNumber,
      5,
    )
    .option('--kbit <n>', 'limit for the transfer, kbit/s', wholeNumber, 4000)
    .option('--fps <n>', 'frames per second of the camera', wholeNumber, 15)
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(benchFleet);
}

async function benchFleet({ swipes, rounds, kbit, fps, json = false, require = false }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-bench-fleet-'));
  const undo: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const progress = createProgress();
  try {
    const broker = await OwnBroker.start(folder);
    undo.push(() => broker.stop());
    const fleet = join(folder, 'fleet');
    const entrance = await BenchEntrance.make({
      scene: 'member',
      mode: 'verify',
      fps,
      onProgress: (share) => progress.update('recording', share),
      more: {
        mqtt: { broker: { type: 'external', url: broker.url } },
        fleet: { root: BenchRelease.init(fleet), maxKbitPerSecond: kbit },
      },
    });
    undo.push(() => entrance.remove());
    const { loaded } = entrance;
    const { config, modelsDir } = loaded;
    const app = new App(
      loaded,
      createLog({ level: 'error', format: 'text', write: (line) => process.stderr.write(line) }),
    );
    undo.push(() => app.stop().then(() => undefined));
    await app.start();
    await inTime(app.whenReady);
    const { site, id } = config.device;
    const client = new BenchClient(broker.url, { site, device: id, discoveryPrefix: config.mqtt.discoveryPrefix });
    await client.connect();
    undo.push(() => client.close());
    const encoder = resolve(modelsDir, (await chooseModels(modelsDir, config.models)).encoder);
    const bytes = Math.min(MOST_BYTES, Math.round(swipes * SECONDS_A_SWIPE * ((kbit * 1000) / 8)));
    progress.update('publishing a release', 0);
    const release = await BenchRelease.put(fleet, encoder, bytes, broker.url);
    undo.push(() => release.close());
    const measured = await alternate(client, release, {
      swipes,
      rounds,
      onProgress: (share) => progress.update('swipes', share),
    });
    progress.done();
    printFigures(figuresOf(measured), { json, require, more: { swipes, rounds, kbit, fps, ...measured } });
  } finally {
    progress.done();
    for (let work = undo.pop(); work !== undefined; work = undo.pop()) await work();
  }
}

interface Measured {
  readonly idle: SwipeTiming[];
  readonly during: SwipeTiming[];
  /** Bytes that arrived during the swipes, and the time in between. */
  readonly bytes: number;
  readonly seconds: number;
}

/** @throws UsherError `broker-failed` if the transfer ends before the swipes */
async function alternate(
  client: BenchClient,
  release: BenchRelease,
  { swipes, rounds, onProgress }: { swipes: number; rounds: number; onProgress: (share: number) => void },
): Promise<Measured> {
  const [idle, during]: [SwipeTiming[], SwipeTiming[]] = [[], []];
  let [bytes, seconds, first] = [0, 0, 0];
  const each = Math.ceil(swipes / rounds);
  const swipe = async (): Promise<SwipeTiming[]> => {
    const options = { reader: BENCH_READER, member: BENCH_MEMBER, swipes: each, warmUp: WARM_UP, first };
    first += each + WARM_UP;
    return measureSwipes(client, options);
  };
  for (let round = 0; round < rounds; round++) {
    idle.push(...(await swipe()));
    await release.begin();
    const [from, had] = [performance.now(), release.have];
    during.push(...(await swipe()));
    const { have } = release;
    if (have === null || had === null)
      throw new UsherError('broker-failed', 'the transfer ended before the swipes', {
        remedy: 'Give fewer --swipes, or a lower --kbit.',
      });
    bytes += have - had;
    seconds += (performance.now() - from) / 1000;
    await release.leaveOff();
    onProgress((round + 1) / rounds);
  }
  return { idle, during, bytes, seconds };
}

function figuresOf({ idle, during, bytes, seconds }: Measured): Figure[] {
  // A swipe without an unlock counts as infinitely late: without it the percentile would be too good.
  const at = (timings: readonly SwipeTiming[], share: number): number =>
    quantile(
      timings.map(({ toUnlockMs }) => toUnlockMs ?? Infinity),
      share,
    );
  const figure = (name: string, value: number, unit: string): Figure => ({
    name: `fleet.${name}`,
    value: Number.isFinite(value) ? value : null,
    unit,
    ...(Number.isFinite(value) ? {} : { note: 'too many swipes had no unlock' }),
  });
  const unanswered = [...idle, ...during].filter(({ toUnlockMs }) => toUnlockMs === null).length;
  return [
    withGoal(figure('door_p95_during_transfer_x', at(during, 0.95) / at(idle, 0.95), 'x'), atMost(1.2)),
    figure('door_p95_idle_ms', at(idle, 0.95), 'ms'),
    figure('door_p95_during_transfer_ms', at(during, 0.95), 'ms'),
    figure('door_p50_idle_ms', at(idle, 0.5), 'ms'),
    figure('door_p50_during_transfer_ms', at(during, 0.5), 'ms'),
    figure('transfer_beside_swipes_kbit_s', (bytes * 8) / 1000 / seconds, 'kbit/s'),
    withGoal(figure('door_swipes_without_unlock', unanswered, ''), atMost(0)),
  ];
}
