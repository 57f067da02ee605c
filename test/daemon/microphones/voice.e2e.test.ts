import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActivationPayload, HealthPayload, WordsStatePayload } from '../../../src/mqtt/topics/payloads';
import { encodeEvent, type WyomingEvent, WyomingParser } from '../../../src/voice/wyoming/framing';
import { TONE_HZ, writeToneBundle } from '../../support/beep-bundle';
import { Daemon, type Heard, Installation, usher, Watcher } from '../../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { mixed, noise, shorts, tone, wav } from '../../support/sound';

const ROOT = 'usher/v1/gym/box';
/** Three voice processes load their models at once. */
const SOON_MS = 60_000;

describeWithMosquitto('a room box: microphones, no camera, no door', () => {
  const mosquitto = new Mosquitto();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-voice-'));
  const beep = mixed(noise(4, 0.01), tone(0.4, TONE_HZ.beep, 0.3), 1.5);
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    await mosquitto.start();
    const models = join(scratch, 'models');
    await writeToneBundle(models, 'beep');
    await writeToneBundle(models, 'boop');
    writeFileSync(join(scratch, 'beep.wav'), wav(shorts(beep)));
    writeFileSync(join(scratch, 'other.wav'), wav(shorts(mixed(noise(4, 0.01), tone(0.4, 5000, 0.3), 1.5))));
    const source = (file: string) => ({ type: 'file', path: join(scratch, file), loop: true });
    const words = [{ model: 'wake-beep' }, { model: 'wake-boop' }];
    place = await Installation.make({
      models: { dir: models },
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      microphones: [
        { id: 'hall', source: source('beep.wav'), words, capture: { maxFiles: 2 } },
        { id: 'bar', source: source('other.wav'), words },
        { id: 'gone', source: { type: 'arecord', device: 'plughw:7,0' }, words },
      ],
      wyoming: { port: 0, words: [{ model: 'wake-beep' }] },
      health: { everySeconds: 1 },
    });
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(place);
    await daemon.says('usher: ready', SOON_MS);
  }, 120_000);

  afterAll(async () => {
    await mosquitto.dispose();
    rmSync(scratch, { recursive: true });
    await daemon.stop('SIGKILL');
    await watcher.close();
    await place.remove();
  });

  const health = (microphone: string, holds: (payload: HealthPayload) => boolean, from = 0): Promise<Heard> =>
    watcher.hears(
      `health of ${microphone}`,
      ({ topic, payload }) => topic === `${ROOT}/health/${microphone}` && holds(payload as HealthPayload),
      SOON_MS,
      from,
    );
  const activation = (from = 0): Promise<Heard> =>
    watcher.hears('an activation', ({ topic }) => topic === `${ROOT}/event/hall/activation`, SOON_MS, from);

  test(
    'the word is said on MQTT: momentary, with its times, by the microphone that heard it',
    async () => {
      const heard = await activation();
      expect(heard.retain).toBe(false);
      const payload = ActivationPayload.parse(heard.payload);
      expect(payload).toMatchObject({ microphone: 'hall', word: 'beep', model: 'wake-beep' });
      expect(payload.notAfter - payload.at).toBe(2000);
      expect(payload.startAt).toBeLessThan(payload.endAt);
      expect(payload.endAt).toBeLessThanOrEqual(payload.at);
      expect(payload.endAt - payload.startAt).toBeLessThan(600);
    },
    SOON_MS + 10_000,
  );

  test(
    'what is no word is not, though it is heard; a microphone that is not there is told of',
    async () => {
      const bar = await health(
        'bar',
        ({ state, sound }) => state === 'ok' && sound?.hearing === true && sound.rmsDbfs !== null,
      );
      expect(HealthPayload.parse(bar.payload).sound).toMatchObject({ gaps: expect.any(Number) as number });
      const gone = await health('gone', ({ state }) => state === 'failed');
      expect(gone.payload['detail']).toMatch(/plughw:7,0 \(arecord\): arecord failed|arecord is not installed/);
      expect(watcher.of('event/bar/activation')).toEqual([]);
    },
    SOON_MS + 10_000,
  );

  test('a subscriber who comes late learns which words are listened for, and Home Assistant of its entities', async () => {
    const late = await Watcher.connect(mosquitto.url, '#');
    try {
      const isWords = ({ topic }: Heard): boolean => topic === `${ROOT}/state/words/hall`;
      const words = WordsStatePayload.parse((await late.hears('the words', isWords)).payload);
      expect(words).toMatchObject({ words: ['beep', 'boop'], models: [{ name: 'wake-beep' }, { name: 'wake-boop' }] });
      const { payload } = await late.hears('discovery', ({ topic }) => topic.startsWith('homeassistant/'));
      const entities = payload['cmps'] as Record<string, { p: string }>;
      expect(entities['microphone_hall_activation']).toMatchObject({ p: 'event', event_types: ['activation'] });
      expect(entities['health_wyoming']).toBeDefined();
      expect(late.heard.some(({ topic }) => topic.endsWith('/activation'))).toBe(false);
    } finally {
      await late.close();
    }
  });

  test(
    'a voice assistant has its sound examined by the Wyoming protocol',
    async () => {
      await daemon.says(/serving trigger words port=\d+/, SOON_MS);
      const port = Number(/serving trigger words port=(\d+)/.exec(daemon.log)?.[1]);
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const format = { rate: 16_000, width: 2, channels: 1 };
      const answered = new Promise<WyomingEvent>((resolve, reject) => {
        const parser = new WyomingParser();
        socket.on('data', (chunk) => parser.push(chunk, resolve)).on('close', () => reject(new Error('closed')));
      });
      socket.write(encodeEvent('detect', { names: ['wake-beep'] }));
      socket.write(encodeEvent('audio-start', format));
      const bytes = shorts(beep);
      for (let at = 0; at < bytes.length; at += 2048)
        socket.write(encodeEvent('audio-chunk', { ...format, timestamp: at / 32 }, bytes.subarray(at, at + 2048)));
      const { type, data } = await answered;
      expect([type, data['name']]).toEqual(['detection', 'wake-beep']);
      expect(Math.abs((data['timestamp'] as number) - 1700)).toBeLessThan(300);
      socket.destroy();
    },
    SOON_MS,
  );

  test(
    'its process killed: told of, and it hears again',
    async () => {
      const from = watcher.heard.length;
      const parentsOfFfmpeg = daemon
        .descendants()
        .filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'ffmpeg')
        .map((pid) => Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]));
      for (const pid of parentsOfFfmpeg) process.kill(pid, 'SIGKILL');
      const failed = await health('hall', ({ state }) => state === 'failed', from);
      expect(failed.payload['detail']).toContain('signal SIGKILL');
      await activation(watcher.heard.indexOf(failed));
    },
    2 * SOON_MS,
  );

  test(
    'what activated is kept where that is allowed, for its owner alone, so much and no more, and deleted by command',
    async () => {
      const folder = join(place.dir, 'data', 'captures', 'hall');
      const command = async (...options: string[]) => {
        const { stdout } = await usher('record', 'captures', '--config', place.config, '--json', ...options);
        return (JSON.parse(stdout) as { captures: { microphone: string; files: number; bytes: number }[] }).captures;
      };
      // A capture is written a second after its activation, so the third one shows that two are kept.
      let from = watcher.heard.length;
      for (let i = 0; i < 4; i++) from = watcher.heard.indexOf(await activation(from)) + 1;
      const kept = readdirSync(folder).filter((name) => name.endsWith('.wav'));
      expect(kept).toHaveLength(2);
      for (const name of kept) {
        expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
        expect(readFileSync(join(folder, name)).toString('latin1', 0, 4)).toBe('RIFF');
      }
      expect(await command()).toMatchObject([
        { microphone: 'hall', files: 2 },
        { microphone: 'bar', files: 0 },
        { microphone: 'gone', files: 0 },
      ]);
      await command('--delete');
      expect((await command())[0]?.files).toBeLessThan(2);
    },
    2 * SOON_MS,
  );

  test('it ends in order, and nothing of it is left', async () => {
    expect(await daemon.stop()).toBe(0);
    expect(place.processes()).toEqual([]);
  }, 30_000);
});
