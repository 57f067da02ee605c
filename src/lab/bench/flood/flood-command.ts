import { Command } from 'commander';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchClient } from '../daemon/client';
import { measureSwipes, type SwipeTiming } from '../daemon/swipes';
import { BenchRelease } from '../fleet/bench-release';
import { OwnBroker } from '../daemon/own-broker';
import { Flood } from './flood';
import { floodFigures, type FloodMeasured } from './flood-figures';
import { writableTopics } from './flood';
import { packageRoot } from '../../../system/paths';
import { wholeNumber } from '../../../terminal/arguments';
import { BENCH_MEMBER, BENCH_READER, BenchEntrance } from '../daemon/entrance';
import { printFigures, REQUIRE } from '../../report/figures';
import { MeasuredDaemon } from '../daemon/measured-daemon';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly swipes: number;
  readonly rounds: number;
  readonly rate: number;
  readonly fps: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

const WARM_UP = 3;
/** A flood ends by itself after this time, in case the benchmark hangs. */
const MOST_MS = 300_000;
/** Time until the flood has reached its rate, and time after its end until the door must be as before. */
const RISE_MS = 500;
const BACK_MS = 1000;
/** As in device-config/mosquitto, but without TLS, which would measure the encryption. */
const BROKER = ['max_queued_messages 50000', 'max_queued_bytes 134217728', 'max_packet_size 262144'];

/** `usher bench flood`: measures the door while its broker is flooded. */
export function benchFloodCommand(): Command {
  return new Command('flood')
    .description(
      'measure the time from swipe to unlock while every topic that the fleet manager may write is flooded, compared with idle',
    )
    .option('--swipes <n>', 'swipes to measure in each of the four phases', wholeNumber, 100)
    .option(
      '--rounds <n>',
      'rounds of idle and flood in turn, so that other load on the machine affects both',
      wholeNumber,
      4,
    )
    .option('--rate <n>', 'messages a second, all topics together', wholeNumber, 10_000)
    .option('--fps <n>', 'frames per second of the camera', wholeNumber, 15)
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(benchFlood);
}

async function benchFlood({ swipes, rounds, rate, fps, json = false, require = false }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-bench-flood-'));
  const undo: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const progress = createProgress();
  try {
    const broker = await OwnBroker.start(folder, BROKER);
    undo.push(() => broker.stop());
    const entrance = await BenchEntrance.make({
      scene: 'member',
      mode: 'verify',
      fps,
      onProgress: (share) => progress.update('recording', share),
      more: {
        mqtt: { broker: { type: 'external', url: broker.url } },
        fleet: { root: BenchRelease.init(join(folder, 'fleet')) },
      },
    });
    undo.push(() => entrance.remove());
    const { device, mqtt } = entrance.loaded.config;
    const base = { site: device.site, device: device.id, discoveryPrefix: mqtt.discoveryPrefix };
    const daemon = await MeasuredDaemon.start(entrance.loaded);
    undo.push(() => daemon.stop());
    const client = new BenchClient(broker.url, base);
    await client.connect();
    undo.push(() => client.close());
    const acl = readFileSync(join(packageRoot(), 'device-config', 'mosquitto', 'acl'), 'utf8');
    const topics = writableTopics(acl, 'fleet', base);
    const port = Number(new URL(broker.url).port);
    const flood = (aim: readonly string[]): Flood => Flood.start({ port, topics: aim, rate, mostMs: MOST_MS });
    const measured = await alternate(client, {
      swipes,
      rounds,
      flood: () => flood(topics),
      // Topics of another box and group, without a subscriber.
      elsewhere: () => flood(topics.map((topic) => topic.replace(/^(usher\/v1\/[^/]+)\/[^/]+/, '$1/elsewhere'))),
      onProgress: (share) => progress.update('swipes', share),
    });
    progress.done();
    printFigures(floodFigures(measured), { json, require, more: { swipes, rounds, fps, topics, ...measured } });
  } finally {
    progress.done();
    for (let work = undo.pop(); work !== undefined; work = undo.pop()) await work();
  }
}

interface Turns {
  readonly swipes: number;
  readonly rounds: number;
  readonly flood: () => Flood;
  readonly elsewhere: () => Flood;
  readonly onProgress: (share: number) => void;
}

async function alternate(
  client: BenchClient,
  { swipes, rounds, flood, elsewhere, onProgress }: Turns,
): Promise<FloodMeasured> {
  const each = Math.ceil(swipes / rounds);
  const [idle, bystander, flooded, after]: SwipeTiming[][] = [[], [], [], []];
  let [messages, seconds, first] = [0, 0, 0];
  const swipe = async (warmUp: number): Promise<SwipeTiming[]> => {
    const options = { reader: BENCH_READER, member: BENCH_MEMBER, swipes: each, warmUp, first };
    first += each + warmUp;
    return measureSwipes(client, options);
  };
  const under = async (start: () => Flood): Promise<SwipeTiming[]> => {
    const running = start();
    await delay(RISE_MS);
    const timings = await swipe(0);
    const total = await running.stop();
    messages += total.messages;
    seconds += total.seconds;
    return timings;
  };
  for (let round = 0; round < rounds; round++) {
    idle?.push(...(await swipe(WARM_UP)));
    bystander?.push(...(await under(elsewhere)));
    await delay(BACK_MS);
    flooded?.push(...(await under(flood)));
    await delay(BACK_MS);
    after?.push(...(await swipe(0)));
    onProgress((round + 1) / rounds);
  }
  return {
    idle: idle ?? [],
    bystander: bystander ?? [],
    flooded: flooded ?? [],
    after: after ?? [],
    rate: messages / seconds,
  };
}
