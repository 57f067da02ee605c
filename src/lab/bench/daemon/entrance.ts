import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig, type LoadedConfig } from '../../../config/load/load';
import { makeRecording } from '../../demo/recording';
import { messageOf, UsherError } from '../../../errors';
import { endWithUs } from '../../../system/own-children';
import { modelsDir, packageRoot } from '../../../system/paths';

export const BENCH_MEMBER = 'bench-member';
export const BENCH_DOOR = 'front';
export const BENCH_READER = 'front-reader';

export interface BenchEntranceOptions {
  /**
   * `member`: the member always stands in front of the camera; `whole`: a stranger and the member come and go, every 20
   * s.
   */
  readonly scene: 'member' | 'whole';
  readonly mode: 'verify' | 'identify';
  readonly fps: number;
  /** Further configuration keys. */
  readonly more?: object;
  readonly onProgress?: (share: number) => void;
}

/** Seconds from the start of the visit until the member stands still near the camera. */
const WALKS_UP_S = 2;
const TURNS_AWAY_S = 0.3;

/**
 * An installation for a benchmark, in its own folder: the demo's recording as a looping camera, the embedded broker on
 * a free port, one door, and the member enrolled with `usher enroll`.
 */
export class BenchEntrance {
  private constructor(
    private readonly folder: string,
    readonly loaded: LoadedConfig,
  ) {}

  /** @throws UsherError as `makeRecording` and `usher enroll` do */
  static async make(options: BenchEntranceOptions): Promise<BenchEntrance> {
    const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'));
    try {
      const recording = await makeRecording({
        folder,
        fps: options.fps,
        ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      });
      const { fromS, toS } = recording.member;
      const clip =
        options.scene === 'whole'
          ? recording.clip
          : await cut(recording.clip, fromS + WALKS_UP_S, toS - TURNS_AWAY_S, join(folder, 'member.mp4'));
      const file = join(folder, 'config.yaml');
      // JSON is YAML.
      await writeFile(file, JSON.stringify(configuration(clip, options)));
      await enrol(recording.enrolmentStill, file);
      return new BenchEntrance(folder, await loadConfig(file));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function configuration(clip: string, { mode, fps, more }: BenchEntranceOptions): object {
  return {
    device: { site: 'bench', id: 'box' },
    dataDir: 'data',
    models: { dir: modelsDir() },
    mqtt: { broker: { type: 'embedded', port: 0 } },
    cameras: [{ id: 'entrance', source: { type: 'ffmpeg', input: clip, loop: true }, fps }],
    doors: [
      mode === 'verify'
        ? { id: BENCH_DOOR, camera: 'entrance', mode, readers: [BENCH_READER], cooldownMs: 0 }
        : { id: BENCH_DOOR, camera: 'entrance', mode, approachMs: 2500 },
    ],
    log: { level: 'info', format: 'json' },
    ...more,
  };
}

async function cut(clip: string, fromS: number, toS: number, into: string): Promise<string> {
  const args = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-ss', String(fromS), '-t', String(toS - fromS)];
  args.push('-i', `file:${clip}`, '-an', '-c:v', 'mpeg4', '-q:v', '3', '-threads', '1', `file:${into}`);
  try {
    await promisify(execFile)('ffmpeg', args);
  } catch (error) {
    throw new UsherError('dependency-missing', `ffmpeg could not cut the recording: ${messageOf(error)}`, {
      remedy: 'Install the Debian package: apt-get install ffmpeg',
      cause: error,
    });
  }
  return into;
}

async function enrol(still: string, config: string): Promise<void> {
  const consent = ['--consent-text', 'bench', '--consent-by', 'usher bench'];
  const args = ['enroll', '--id', BENCH_MEMBER, '--name', 'Bench Member', ...consent, '--config', config, still];
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  endWithUs(child);
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('exit', done);
  });
  if (code !== 0)
    throw new UsherError('face-unsuitable', 'the member of the recording could not be enrolled', {
      remedy: 'See the message above, and verify the face models: usher models verify',
    });
}
