import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { App } from '../../daemon/app';
import { loadConfig, type LoadedConfig } from '../../config/load/load';
import { makeRecording } from './recording';
import { makeRooms, type RoomSounds } from './rooms';
import { Timeline } from './timeline';
import { UsherError } from '../../errors';
import { Connection } from '../../mqtt/link/connection';
import { monotonicMs } from '../../system/clock';
import { createLog } from '../../system/log';
import { packageRoot } from '../../system/paths';
import { INTERRUPTED, listenForStop, whenAborted } from '../../system/signals';
import { chooseModels, loadAnalyser } from '../../vision/faces/load';
import { readPicture } from '../../vision/picture/picture';

interface Options {
  readonly face?: string;
  readonly video?: string;
  readonly seconds: number;
  readonly keep?: string;
}

const MEMBER = 'demo-member';
const MAX_PACKET_BYTES = 64 * 1024;

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'show a member and a stranger at a recorded entrance, and a trigger word in a recorded room, over MQTT; needs no hardware',
    )
    .option('--face <picture>', 'play the member with this face instead')
    .option('--video <clip>', 'use this clip instead of the generated recording (needs --face)')
    .option('--seconds <n>', 'how long to watch before the result is printed', seconds, 60)
    .option('--keep <dir>', 'keep recording and data in this folder')
    .action(demo);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 5 && value <= 86_400)) throw new InvalidArgumentError('5 to 86400 seconds');
  return value;
}

/**
 * Exit code 0 only if the member's unlock, the stranger's refusal and the trigger word were seen on MQTT, and nothing
 * for a similar word.
 */
async function demo(options: Options): Promise<void> {
  if (options.video !== undefined && options.face === undefined)
    throw new UsherError('usage', '--video needs --face: a picture of the member in the clip', {
      remedy: 'Add --face me.jpg',
    });
  const stop = listenForStop();
  stop.hurried.addEventListener('abort', () => process.exit(INTERRUPTED), { once: true });
  const folder = options.keep === undefined ? await mkdtemp(join(tmpdir(), 'usher-demo-')) : resolve(options.keep);
  await mkdir(folder, { recursive: true });
  try {
    const loaded = await loadConfig(join(packageRoot(), 'device-config', 'demo.yaml'));
    const { clip, still } = await prepare(options, folder, loaded, stop.asked);
    const installation = withRecordings(loaded, clip, await makeRooms(folder), join(folder, 'data'));
    await enrol(still, installation);
    await watch(installation, options, stop.asked);
  } finally {
    if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(
  options: Options,
  folder: string,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<{ clip: string; still: string }> {
  if (options.video !== undefined && options.face !== undefined)
    return { clip: resolve(options.video), still: resolve(options.face) };
  const face = options.face === undefined ? undefined : await locateFace(resolve(options.face), loaded);
  const terminal = process.stdout.isTTY;
  say('making the recording (an entrance, a stranger, then the member) …');
  const recording = await makeRecording({
    folder,
    signal,
    ...(face === undefined ? {} : { face }),
    onProgress: (share) => {
      if (terminal) process.stdout.write(`\r  ${Math.round(share * 100)} %${share === 1 ? '\n' : ''}`);
    },
  });
  say(`  ${recording.durationS.toFixed(0)} s; stranger ${span(recording.stranger)}, member ${span(recording.member)}`);
  return { clip: recording.clip, still: recording.enrolmentStill };
}

async function locateFace(
  path: string,
  { config, modelsDir }: LoadedConfig,
): Promise<NonNullable<Parameters<typeof makeRecording>[0]['face']>> {
  const camera = config.cameras[0];
  if (camera === undefined) throw new UsherError('config-invalid', 'the demo configuration has no camera');
  const analyser = await loadAnalyser({
    modelsDir,
    models: await chooseModels(modelsDir, config.models),
    execution: config.inference,
    region: camera.region,
    minFacePx: camera.minFacePx,
    gates: camera.quality,
  });
  try {
    const { faces } = await analyser.still(await readPicture(path));
    const [largest] = [...faces].sort((a, b) => b.box.width - a.box.width);
    if (largest === undefined)
      throw new UsherError('face-unsuitable', `${path}: no face was found`, {
        remedy: 'Give a frontal, well-lit picture',
      });
    return { path, box: largest.box };
  } finally {
    await analyser.dispose();
  }
}

function withRecordings(loaded: LoadedConfig, clip: string, rooms: RoomSounds, dataDir: string): LoadedConfig {
  const cameras = loaded.config.cameras.map((camera) =>
    camera.source.type === 'ffmpeg' ? { ...camera, source: { ...camera.source, input: clip } } : camera,
  );
  const microphones = loaded.config.microphones.map((microphone) =>
    microphone.source.type === 'file' && (microphone.id === 'floor' || microphone.id === 'corridor')
      ? { ...microphone, source: { ...microphone.source, path: rooms[microphone.id] } }
      : microphone,
  );
  return { ...loaded, config: { ...loaded.config, cameras, microphones }, dataDir };
}

/** Runs `usher enroll` in a child process, as a person would. */
async function enrol(still: string, { file, dataDir }: LoadedConfig): Promise<void> {
  const entry = join(packageRoot(), 'dist', 'main.js');
  const args = [
    'enroll',
    '--id',
    MEMBER,
    '--name',
    'Demo Member',
    '--consent-text',
    'demo',
    '--consent-by',
    'the demo',
    '--replace',
    '--config',
    file,
    '--data',
    dataDir,
    still,
  ];
  say(`usher enroll --id ${MEMBER} --name "Demo Member" … ${still}`);
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('exit', done);
  });
  if (code !== 0) throw new UsherError('face-unsuitable', `the member could not be enrolled from ${still}`);
}

async function watch(installation: LoadedConfig, options: Options, signal: AbortSignal): Promise<void> {
  const stopped = whenAborted(signal);
  const { config } = installation;
  const app = new App(installation, createLog({ ...config.log, write: (line) => process.stderr.write(line) }));
  const startedAt = monotonicMs();
  const timeline = new Timeline(MEMBER, () => monotonicMs() - startedAt, say);
  await app.start();
  let watcher: Connection | null = null;
  try {
    const { port } = new URL(app.brokerUrl);
    say(`\nwatch it yourself:  mosquitto_sub -h 127.0.0.1 -p ${port} -v -t 'usher/#'\n`);
    watcher = await subscribe(app.brokerUrl, timeline);
    await Promise.race([app.whenReady, stopped, delay(60_000)]);
    say(`${timeline.clock()}  daemon ready after ${((monotonicMs() - startedAt) / 1000).toFixed(1)} s`);
    await Promise.race([delay(options.seconds * 1000), stopped]);
  } finally {
    watcher?.drop();
    await app.stop();
  }
  if (signal.aborted) throw new UsherError('cancelled', 'the demo was stopped before it was complete');
  const { refused, unlocked, passed } = timeline.result(options.video === undefined);
  const { heard, silent } = timeline.hearing({ word: 'floor', nearMiss: 'corridor' });
  const answer = (is: boolean): string => (is ? 'yes' : 'no');
  say(`\nstranger refused: ${answer(refused)}   member unlocked: ${answer(unlocked)}`);
  say(`trigger word heard: ${answer(heard)}   near miss ignored: ${answer(silent)}`);
  if (!passed || !heard || !silent) {
    say('This is not the expected result.');
    process.exitCode = 1;
  }
}

/** An ordinary client: it sees what every client on the broker sees. */
function subscribe(url: string, timeline: Timeline): Promise<Connection> {
  return new Promise((done, failed) => {
    const connection = new Connection(
      {
        url,
        clientId: `usher-demo-${process.pid}`,
        protocolVersion: 4,
        keepaliveSeconds: 30,
        connectMs: 5000,
        maxPacketBytes: MAX_PACKET_BYTES,
        will: { topic: 'demo/watcher', payload: '' },
      },
      {
        up: () => {
          connection.subscribe([{ filter: 'usher/#', qos: 1 }]).then(() => done(connection), failed);
        },
        message: ({ topic, payload }) => timeline.hear(topic, payload),
        down: (cause) =>
          failed(
            cause instanceof Error
              ? cause
              : new UsherError('broker-failed', 'the demo lost the connection to the broker'),
          ),
      },
    );
    connection.open();
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}

function span({ fromS, toS }: { fromS: number; toS: number }): string {
  return `${fromS.toFixed(0)}–${toS.toFixed(0)} s`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
