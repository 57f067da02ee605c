import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../../src/store/journal/journal';
import { Daemon, Installation, usher, Watcher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';
import { canMount } from '../support/tmpfs';
import { consumed, inspect } from '../proofs/journal-kill/journal-torture';

const camera = (path: string) => ({ id: 'cam', source: { type: 'folder', path, loop: true }, fps: 8 });

async function enrolled(config: object): Promise<Installation> {
  const { still } = await entranceRecording();
  const installation = await Installation.make(config);
  const { code, stderr } = await installation.enroll('4711', still);
  if (code !== 0) throw new Error(stderr);
  return installation;
}

/** The member comes into view, then nobody is there, and so on: a decision at each coming. */
async function visits(): Promise<string> {
  const { memberFrames } = await entranceRecording();
  const into = mkdtempSync(join(tmpdir(), 'usher-visits-'));
  const frames = readdirSync(memberFrames).sort();
  frames.forEach((frame, index) => copyFileSync(join(memberFrames, frame), join(into, `a${100 + index}.jpg`)));
  const dark = join(into, 'b.jpg');
  const fill = ['-vf', 'drawbox=color=black:t=fill', '-frames:v', '1', dark];
  execFileSync('ffmpeg', ['-loglevel', 'error', '-i', join(memberFrames, frames[0] ?? ''), ...fill]);
  for (let i = 0; i < 10; i++) copyFileSync(dark, join(into, `b${100 + i}.jpg`));
  return into;
}

describeWithMosquitto('a daemon without its broker', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let frames: string;
  let daemon: Daemon | null = null;
  let watcher: Watcher | null = null;

  beforeAll(async () => {
    await mosquitto.start();
    frames = await visits();
    installation = await enrolled({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [camera(frames)],
      doors: [{ id: 'front', camera: 'cam', mode: 'identify', cooldownMs: 0, absentMs: 400 }],
    });
  }, 180_000);
  afterAll(async () => {
    await daemon?.stop('SIGKILL');
    await watcher?.close();
    await mosquitto.dispose();
    await installation.remove();
    rmSync(frames, { recursive: true });
  });

  const recorded = async (least: number): Promise<number> => {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const count = inspect(join(installation.dir, 'data')).recorded.length;
      if (count >= least) return count;
      if (performance.now() > deadline) throw new Error(`only ${count} of ${least} decisions:\n${daemon?.log ?? ''}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  it('killed twice meanwhile, it tells all of it when the broker is back, once and in order, and opens nothing late', async () => {
    await mosquitto.stop('SIGKILL');
    let count = 0;
    for (let boot = 0; boot < 2; boot++) {
      daemon = Daemon.start(installation);
      count = await recorded(count + 3);
      await daemon.stop('SIGKILL');
    }
    const outage = inspect(join(installation.dir, 'data'));
    expect(outage.granted.size).toBeGreaterThanOrEqual(4);
    await mosquitto.start();
    watcher = await Watcher.connect(mosquitto.url, 'usher/#');
    daemon = Daemon.start(installation);
    await watcher.hears('an unlock of now', ({ topic }) => topic.endsWith('/unlock'), 60_000);
    expect(await daemon.stop()).toBe(0);
    daemon = null;
    const facts = inspect(join(installation.dir, 'data'));
    expect(facts).toMatchObject({ findings: [], integrity: ['ok'], waiting: 0 });
    expect(facts.recorded.length).toBeGreaterThan(outage.recorded.length);
    await watcher.hears('the last decision', ({ payload }) => payload['seq'] === facts.recorded.at(-1));
    expect(consumed(watcher.heard).counted).toEqual(facts.recorded);
    const unlocks = watcher.of('/unlock').map(({ payload }) => String(payload['decision']));
    expect(unlocks.filter((id) => outage.granted.has(id))).toEqual([]);
    expect(unlocks.filter((id) => !facts.granted.has(id))).toEqual([]);

    const { payload } = await watcher.hears(
      'the head',
      (m) => m.topic.endsWith('/audit/head') && m.payload['seq'] === facts.head.seq,
    );
    expect(payload).toMatchObject({ hash: facts.head.hash, sig: expect.stringMatching(/^[0-9a-f]{128}$/) as string });
    const head = `${String(payload['seq'])}:${String(payload['hash'])}`;
    const verdict = await usher('audit', 'verify', '--config', installation.config, '--head', head);
    expect(verdict).toMatchObject({ code: 0, stdout: expect.stringContaining('the chain is intact') as string });
    const shown = await usher('audit', 'show', '--config', installation.config, '--last', '500');
    for (const kind of ['genesis', 'start', 'configuration', 'model', 'decision', 'stop'])
      expect(shown.stdout).toContain(` ${kind} `);
    expect(shown.stdout).not.toContain('Member 4711');
  }, 240_000);
});

/** Takes every page of the file system that is left. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, new Uint8Array(4096));
  } catch {
    // Full.
  } finally {
    closeSync(descriptor);
  }
}

(canMount ? describeWithMosquitto : describe.skip)('a daemon on a full disk', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let dataDir: string;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const { memberFrames, still } = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [camera(memberFrames)],
      doors: [{ id: 'front', camera: 'cam', readers: ['reader'], cooldownMs: 300 }],
      health: { everySeconds: 1 },
    });
    dataDir = join(installation.dir, 'data');
    mkdirSync(dataDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', dataDir]);
    const { code, stderr } = await installation.enroll('4711', still);
    if (code !== 0) throw new Error(stderr);
    watcher = await Watcher.connect(mosquitto.url, 'usher/#');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready');
  }, 180_000);
  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    // Lazily: the library closes a connection when its statements are collected as garbage.
    execFileSync('umount', ['--lazy', dataDir]);
    await installation.remove();
  });

  const swipe = async (): Promise<number> => {
    const from = watcher.heard.length;
    await watcher.swipe('reader', '4711');
    return from;
  };
  const granted = async (): Promise<void> => {
    const from = await swipe();
    const { payload } = await watcher.hears('a decision', ({ topic }) => topic.endsWith('/decision'), 20_000, from);
    expect(payload).toMatchObject({ outcome: 'granted' });
    await watcher.hears('the unlock', ({ topic }) => topic.endsWith('/unlock'), 5000, from);
  };
  const state = (name: string, from: number) =>
    watcher.hears(
      name,
      ({ topic, payload }) => topic.endsWith('/state/door/front') && payload['state'] === name,
      20_000,
      from,
    );

  it('lets nobody in whom it cannot record, says so, and is itself again when there is room', async () => {
    const start = watcher.heard.length;
    await granted();
    await state('cooldown', start);
    await state(
      'closed',
      watcher.heard.findLastIndex(({ payload }) => payload['state'] === 'cooldown'),
    );
    const unlocks = watcher.of('/unlock').length;
    const decisions = watcher.of('/decision').length;
    fill(join(dataDir, 'filler'));

    const from = await swipe();
    await state('out-of-service', from);
    const { payload } = await watcher.hears(
      'the store’s health',
      (m) => m.topic.endsWith('/health/store') && m.payload['state'] === 'failed',
      10_000,
      from,
    );
    expect(payload['detail']).toMatch(/disk is full|reading or writing failed|ENOSPC/);
    for (let i = 0; i < 3; i++) {
      await swipe();
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    expect(watcher.of('/unlock')).toHaveLength(unlocks);
    expect(watcher.of('/decision')).toHaveLength(decisions);
    expect(daemon.log).toMatch(/withheld=true/);

    const before = watcher.heard.length;
    rmSync(join(dataDir, 'filler'));
    await state('closed', before);
    await granted();
    const journal = Journal.open(dataDir, { readonly: true });
    const gap = journal.latest('unrecorded');
    journal.close();
    expect(JSON.parse(gap?.body ?? '{}')).toMatchObject({ granted: 1 });
    expect((JSON.parse(gap?.body ?? '{}') as { denied: number }).denied).toBeGreaterThanOrEqual(3);
    expect(await daemon.stop()).toBe(0);
    expect(inspect(dataDir)).toMatchObject({ findings: [], integrity: ['ok'], waiting: 0 });
    expect(consumed(watcher.heard).counted).toEqual(inspect(dataDir).recorded);
  }, 120_000);
});
