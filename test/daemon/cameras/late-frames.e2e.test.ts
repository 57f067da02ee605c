import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { describeWithShared, sharedDir } from '../../support/shared';

const ROOT = 'usher/v1/gym/box';
/** So long the member stands at the door; then the picture shows nobody. */
const PERSON_S = 40;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The process that has this file open, whoever started it. */
function readerOf(file: string): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${entry}/comm`, 'utf8').trim() !== 'ffmpeg') continue;
      if (readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(file)) return Number(entry);
    } catch {
      // It has ended meanwhile.
    }
  }
  return 0;
}

describeWithShared('real people', () => {
  describeWithMosquitto('before a camera whose stream is held up', () => {
    const mosquitto = new Mosquitto();
    const dir = mkdtempSync(join(tmpdir(), 'usher-late-e2e-'));
    const clip = join(dir, 'door.mkv');
    let installation: Installation;
    let daemon: Daemon;
    let watcher: Watcher;

    beforeAll(async () => {
      const person = join(sharedDir, 'data/video/people/a_again.mkv');
      const still = join(dir, 'still.jpg');
      const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-loglevel', 'error', '-y', ...args]);
      ffmpeg('-ss', '0.5', '-i', person, '-frames:v', '1', still);
      ffmpeg(
        ...['-stream_loop', '-1', '-t', String(PERSON_S), '-i', person],
        ...['-f', 'lavfi', '-i', 'testsrc2=size=640x480:rate=30:duration=90'],
        ...[
          '-filter_complex',
          '[0:v]fps=10,setsar=1[a];[1:v]fps=10,setsar=1[b];[a][b]concat',
          '-c:v',
          'mpeg4',
          '-q:v',
          '2',
          clip,
        ],
      );
      await mosquitto.start();
      installation = await Installation.make({
        mqtt: { broker: { type: 'external', url: mosquitto.url } },
        cameras: [
          {
            ...{ id: 'cam', width: 640, height: 480, fps: 10, minFacePx: 40, stallMs: 300_000 },
            source: { type: 'ffmpeg', input: clip },
          },
        ],
        doors: [{ id: 'front', camera: 'cam', readers: ['card'], cooldownMs: 0, deadlineMs: 6000 }],
        health: { everySeconds: 1 },
      });
      const enrolled = await installation.enroll('4711', '--force', still);
      if (enrolled.code !== 0) throw new Error(enrolled.stderr);
      watcher = await Watcher.connect(mosquitto.url, '#');
      daemon = Daemon.start(installation);
      await daemon.says('usher: started');
    }, 180_000);

    afterAll(async () => {
      const reader = readerOf(clip);
      if (reader !== 0) process.kill(reader, 'SIGCONT');
      await daemon.stop('SIGKILL');
      await watcher.close();
      await mosquitto.dispose();
      await installation.remove();
      rmSync(dir, { recursive: true, force: true });
    });

    const swipe = async () => {
      const from = watcher.heard.length;
      await watcher.swipe('card', '4711');
      const isDecision = ({ topic }: { topic: string }) => topic === `${ROOT}/event/front/decision`;
      return (await watcher.hears('a decision', isDecision, 30_000, from)).payload;
    };

    test('the member is let in while there, and not on the pictures that come after the member has left', async () => {
      while (readerOf(clip) === 0) await wait(20);
      const opened = performance.now();
      const isOk = ({ topic, payload }: { topic: string; payload: Record<string, unknown> }) =>
        topic === `${ROOT}/health/cam` && payload['state'] === 'ok';
      await watcher.hears('the camera', isOk, 60_000);
      expect(await swipe()).toMatchObject({ outcome: 'granted', reason: 'match', member: '4711' });

      const reader = readerOf(clip);
      process.kill(reader, 'SIGSTOP');
      // Where the machine was too slow, the member has left already, and there would be no backlog.
      expect(performance.now() - opened).toBeLessThan(PERSON_S * 1000 - 3000);
      await wait(Math.max(0, opened + PERSON_S * 1000 + 1500 - performance.now()));
      const unlocks = watcher.of('event/front/unlock').length;
      process.kill(reader, 'SIGCONT');
      expect(await swipe()).toMatchObject({ outcome: 'denied', member: '4711' });
      expect(watcher.of('event/front/unlock')).toHaveLength(unlocks);
    }, 180_000);
  });
});
