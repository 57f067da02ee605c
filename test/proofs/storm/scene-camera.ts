import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Entrance } from '../../support/entrance';
import { leashed } from '../../support/leash';

/** `still`: one and the same picture of the member, again and again. */
export type View = 'empty' | 'member' | 'stranger' | 'still';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 8;
const BYTES = WIDTH * HEIGHT * 3;

/** ffmpeg gives two frames that it reads at once the same time, and then ends. */
const ONWARDS = 'setpts=if(isnan(PREV_OUTPTS)\\,PTS\\,max(PTS\\,PREV_OUTPTS+1))';

/**
 * Fake hardware: a network camera before which the test puts whom it likes, and whose line it can hold up. Frames carry the time at
 * which they were taken; what was held up arrives in one burst.
 */
export class SceneCamera {
  private readonly pictures = new Map<View, Buffer[]>();
  private readonly seen: { view: View; from: number; to: number }[] = [];
  private readonly encoders = new Set<ChildProcess>();
  private server: Server | null = null;
  private timer: NodeJS.Timeout | null = null;
  private held: (() => void)[] | null = null;
  private view: View = 'empty';
  private frame = 0;

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}/live.mkv`;
  }

  get settings(): object {
    return { source: { type: 'ffmpeg', input: this.url }, width: WIDTH, height: HEIGHT, fps: FPS };
  }

  async start(entrance: Entrance): Promise<void> {
    this.pictures.set('member', decoded(['-framerate', '25', '-i', `${entrance.memberFrames}/%03d.jpg`]));
    this.pictures.set('stranger', decoded(['-framerate', '25', '-i', `${entrance.strangerFrames}/%03d.jpg`]));
    // Nobody comes in before the first second is over. The noise of the sensor is in it: no two pictures are the same.
    this.pictures.set('empty', decoded(['-t', '0.6', '-i', entrance.clip]));
    this.pictures.set('still', this.pictures.get('member')!.slice(0, 1));
    this.server = createServer((_, response) => this.serve(response));
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    this.timer = setInterval(() => this.take(), 1000 / FPS);
  }

  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    for (const encoder of this.encoders) encoder.kill('SIGKILL');
    this.server?.closeAllConnections();
    await new Promise((resolve) => (this.server === null ? resolve(null) : this.server.close(resolve)));
  }

  show(view: View): void {
    this.view = view;
  }

  /** Nothing leaves the camera until `release`. */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const waiting = this.held ?? [];
    this.held = null;
    for (const send of waiting) send();
  }

  /** Whether a moving picture of the member was taken between two times (epoch ms). */
  tookMember(from: number, to: number): boolean {
    return this.seen.some((each) => each.view === 'member' && each.from <= to && each.to >= from);
  }

  private take(): void {
    const now = Date.now();
    const last = this.seen.at(-1);
    if (last?.view === this.view) last.to = now;
    else this.seen.push({ view: this.view, from: now, to: now });
    const pictures = this.pictures.get(this.view)!;
    const picture = pictures[this.frame++ % pictures.length]!;
    for (const { stdin } of this.encoders) if (stdin !== null && stdin.writableLength === 0) stdin.write(picture);
  }

  /** Intra-coded, so that a picture that stands still is the same one, bit by bit. */
  private serve(response: ServerResponse): void {
    const encoder = spawn(
      ...leashed('ffmpeg', [
        ...['-hide_banner', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24'],
        ...['-video_size', `${WIDTH}x${HEIGHT}`, '-framerate', '1000', '-use_wallclock_as_timestamps', '1'],
        ...['-i', 'pipe:0', '-vf', ONWARDS, '-vsync', '0', '-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'],
        ...['-f', 'matroska', '-live', '1', '-cluster_time_limit', '1', '-flush_packets', '1', 'pipe:1'],
      ]),
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    this.encoders.add(encoder);
    encoder.stdin.on('error', () => undefined);
    response.writeHead(200, { 'Content-Type': 'video/x-matroska' });
    encoder.stdout.on('data', (bytes: Buffer) => {
      if (this.held === null) response.write(bytes);
      else this.held.push(() => response.write(bytes));
    });
    const end = (): void => {
      this.encoders.delete(encoder);
      encoder.kill('SIGKILL');
      response.end();
    };
    response.on('close', end);
    encoder.once('close', end);
  }
}

function decoded(input: readonly string[]): Buffer[] {
  const raw = execFileSync(
    'ffmpeg',
    [
      '-loglevel',
      'error',
      ...input,
      '-vf',
      `scale=${WIDTH}:${HEIGHT}`,
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      'pipe:1',
    ],
    { maxBuffer: 512 * 2 ** 20 },
  );
  return Array.from({ length: raw.length / BYTES }, (_, i) => raw.subarray(i * BYTES, (i + 1) * BYTES));
}
