import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Subscription } from 'rxjs';
import { step } from '../../../src/access/door/door';
import { CLOSED_DOOR, type Decision, type DoorEvent } from '../../../src/access/door-types';
import { isTimely } from '../../../src/access/frame-age';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { monotonicMs } from '../../../src/system/clock';
import { createCameraSource } from '../../../src/vision/camera/create';
import { childrenRunning, describeWithFfmpeg } from '../../support/processes';
import { settingsFor } from '../../proofs/timelines/play';
import { until } from '../../support/until';

const FPS = 15;
/** White: the member stands at the door. Black: nobody does. */
const WHITE_MS = 6000;

interface Seen {
  readonly arrived: number;
  readonly mono: number;
  readonly white: boolean;
}

describeWithFfmpeg('a stream that was held up', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-late-'));
  const clip = path.join(dir, 'person.mkv');
  let subscription: Subscription;
  const seen: Seen[] = [];

  beforeAll(() => {
    const white = `color=white:size=64x64:rate=${FPS}:duration=${WHITE_MS / 1000}`;
    const black = `color=black:size=64x64:rate=${FPS}:duration=60`;
    const inputs = ['-f', 'lavfi', '-i', white, '-f', 'lavfi', '-i', black, '-filter_complex', 'concat'];
    execFileSync('ffmpeg', ['-loglevel', 'error', '-y', ...inputs, '-c:v', 'ffv1', clip]);
  });
  afterAll(async () => {
    subscription.unsubscribe();
    while (childrenRunning('ffmpeg').length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    rmSync(dir, { recursive: true, force: true });
  });

  test('is dated by its own clock, and the person who has left opens nothing for the card that is swiped then', async () => {
    const source = { type: 'ffmpeg', input: clip };
    const camera = CameraConfig.parse({ id: 'door', width: 64, height: 64, fps: FPS, source });
    const startedAt = monotonicMs();
    subscription = createCameraSource(camera, { warn: () => undefined })
      .open()
      .subscribe((frame) => {
        seen.push({ arrived: monotonicMs(), mono: frame.mono, white: frame.data[6000]! > 128 });
        frame.release();
      });
    const dated = () => seen.filter(({ mono }) => Number.isFinite(mono));
    await until('twenty frames', () => dated().length >= 20);
    const [ffmpeg] = childrenRunning('ffmpeg');
    const stopped = monotonicMs();
    process.kill(ffmpeg!, 'SIGSTOP');
    // The member leaves, and a while after that somebody swipes the card; only then does the stream go on.
    const leaves = Math.max(...dated().map(({ mono }) => mono)) + WHITE_MS;
    await until(
      'the member to be gone for long enough',
      () => monotonicMs() > Math.min(leaves, stopped + WHITE_MS) + 200 && monotonicMs() > startedAt + WHITE_MS + 2600,
    );
    const swiped = monotonicMs();
    process.kill(ffmpeg!, 'SIGCONT');
    await until('a frame of the empty hall', () => dated().some(({ mono, white }) => mono > swiped + 500 && !white));

    const backlog = dated().filter(({ arrived }) => arrived > swiped);
    const late = backlog.filter(({ mono, white }) => white && mono < swiped);
    expect(late.length).toBeGreaterThan(10);
    expect(backlog.filter(({ mono, white }) => white && mono >= swiped)).toEqual([]);
    expect(dated().every(({ mono, arrived }) => mono <= arrived)).toBe(true);

    const grantsOf = (frames: readonly Seen[]): Decision[] => {
      const settings = settingsFor({ mode: 'verify', fps: FPS, latencyMs: 0 } as never);
      let state = step(CLOSED_DOOR, { type: 'camera', at: startedAt, live: true }, settings).state;
      const decisions: Decision[] = [];
      const feed = (event: DoorEvent): void => {
        const next = step(state, event, settings);
        state = next.state;
        decisions.push(...next.decisions.filter(({ outcome }) => outcome === 'granted'));
      };
      const member = { member: 'ann', distance: 0.1, frameDistance: 0.1 };
      feed({ type: 'swipe', at: swiped, reader: 'r', standing: { kind: 'active', member: 'ann' } });
      for (const { arrived, mono, white } of frames.filter((frame) => frame.arrived > swiped)) {
        if (!isTimely(mono, arrived)) feed({ type: 'tick', at: arrived });
        else if (white)
          feed({ type: 'face', at: mono, track: 1, evidence: { kind: 'encoded', nearest: [], claimed: member } });
        else feed({ type: 'empty', at: mono });
      }
      return decisions;
    };
    expect(grantsOf(seen)).toEqual([]);
    // The same frames, spaced as they were and dated as they came: this is how the door opened for nobody.
    const asOfOld = late.map((frame, i) => ({ ...frame, arrived: swiped + 1 + i * 40, mono: swiped + 1 + i * 40 }));
    expect(grantsOf(asOfOld)).toHaveLength(1);
  }, 120_000);
});
