import { Command } from 'commander';
import { App } from '../../../daemon/app';
import { UsherError } from '../../../errors';
import { BenchClient } from './client';
import { measureSwipes, swipeFigures } from './swipes';
import { createLog } from '../../../system/log';
import { wholeNumber } from '../../../terminal/arguments';
import { BENCH_MEMBER, BENCH_READER, BenchEntrance } from './entrance';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly swipes: number;
  readonly fps: number;
  readonly json?: boolean;
  readonly require?: boolean;
}

const READY_MS = 60_000;
const WARM_UP = 5;

export function benchDoorCommand(): Command {
  return new Command('door')
    .description("measure the time from a swipe on MQTT to the unlock on MQTT, with the member's face in view")
    .option('--swipes <n>', 'number of swipes to measure', wholeNumber, 100)
    .option('--fps <n>', 'frames per second of the camera', wholeNumber, 15)
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .action(benchDoor);
}

async function benchDoor({ swipes, fps, json = false, require = false }: Options): Promise<void> {
  const progress = createProgress();
  const entrance = await BenchEntrance.make({
    scene: 'member',
    mode: 'verify',
    fps,
    onProgress: (share) => progress.update('recording', share),
  });
  const { loaded } = entrance;
  const { device, mqtt } = loaded.config;
  // Only warnings and errors: the log of a hundred decisions would hide the figures.
  const log = createLog({ level: 'warn', format: 'text', write: (line) => process.stderr.write(line) });
  const app = new App(loaded, log);
  try {
    await app.start();
    await inTime(app.whenReady);
    const client = new BenchClient(app.brokerUrl, {
      site: device.site,
      device: device.id,
      discoveryPrefix: mqtt.discoveryPrefix,
    });
    await client.connect();
    const timings = await measureSwipes(client, {
      reader: BENCH_READER,
      member: BENCH_MEMBER,
      swipes,
      warmUp: WARM_UP,
      onProgress: (share) => progress.update('swipes', share),
    });
    await client.close();
    progress.done();
    printFigures(swipeFigures(timings), { json, require, more: { swipes, fps, timings } });
  } finally {
    progress.done();
    await app.stop();
    await entrance.remove();
  }
}

/** @throws UsherError `camera-failed` */
export async function inTime(ready: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new UsherError('camera-failed', `the daemon analysed no frame within ${READY_MS / 1000} s`));
    }, READY_MS);
  });
  try {
    await Promise.race([ready, late]);
  } finally {
    clearTimeout(timer);
  }
}
