import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memberTag } from '../../../src/vision/stills/still-folder';
import { chooseModels } from '../../../src/vision/faces/load';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { openStillAnalyser } from '../../../src/vision/stills/make';
import { l2Distance } from '../../../src/store/members/vector';
import { readPicture } from '../../../src/vision/picture/picture';
import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { installedModels } from '../../support/faces';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const ROOT = 'usher/v1/gym/box';

describeWithMosquitto('a picture of what was decided, faces painted over', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.strangerFrames, loop: true }, fps: 8 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['reader'], cooldownMs: 300, deadlineMs: 2000 }],
      stills: { steps: 1, sidePx: 160, maxFiles: 2 },
      health: { everySeconds: 1 },
    });
    const enrolled = await installation.enroll('4711', '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready', 120_000);
    await watcher.hears('stills that can be painted', healthIs('ok'), 120_000);
  }, 240_000);

  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  const healthIs = (state: string) => (message: { topic: string; payload: Record<string, unknown> }) =>
    message.topic === `${ROOT}/health/stills` && message.payload['state'] === state;
  const stills = (): string[] => {
    const folder = join(installation.dir, 'data/stills');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  };
  const deny = async (id: string): Promise<string> => {
    const latest = () => watcher.of('state/door/front').at(-1)?.payload['state'];
    for (let left = 1000; latest() !== 'closed' && left > 0; left--) await new Promise((go) => setTimeout(go, 10));
    const from = watcher.heard.length;
    await watcher.swipe('reader', id);
    const { payload } = await watcher.hears(
      'a decision',
      ({ topic }) => topic === `${ROOT}/event/front/decision`,
      20_000,
      from,
    );
    expect(payload['outcome']).toBe('denied');
    return String(payload['decision']);
  };
  const records = async (): Promise<Record<string, unknown>[]> => {
    const { stdout } = await usher('audit', 'show', '--config', installation.config, '--kind', 'still', '--json');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { body: Record<string, unknown> }).body);
  };

  test('a denial has one: nobody in it is recognised, the journal has its digest, and who is deleted goes from the stills', async () => {
    const decision = await deny('4711');
    await daemon.says(new RegExp(`a still was stored.*${decision}`), 120_000);
    const [name = ''] = stills();
    expect(stills()).toHaveLength(1);
    expect(name).toContain(`_front_denied_${memberTag('4711')}_${decision}.jpg`);

    const still = await readPicture(join(installation.dir, 'data/stills', name));
    expect(Math.max(still.width, still.height)).toBe(160);
    const models = await chooseModels(installedModels, { set: 'auto' });
    const { analyser, loosest } = await openStillAnalyser(installedModels, models, CPU_ONE_THREAD);
    const entrance = await entranceRecording();
    const [shown] = readdirSync(entrance.strangerFrames).sort();
    const before = await analyser.still(await readPicture(join(entrance.strangerFrames, shown!)));
    const after = await analyser.still(still);
    expect(before.faces.length).toBeGreaterThan(0);
    for (const face of after.faces)
      for (const original of before.faces)
        if (face.embedding !== null && original.embedding !== null)
          expect(l2Distance(face.embedding, original.embedding)).toBeGreaterThan(loosest);
    await analyser.dispose();

    const unknown = await deny('9999');
    await daemon.says(new RegExp(`a still was stored.*${unknown}`), 120_000);
    expect(stills().at(-1)).toContain('_nobody_');
    const { code } = await usher('members', 'remove', '4711', '--config', installation.config);
    expect(code).toBe(0);
    for (let left = 800; stills().length > 1 && left > 0; left--) await new Promise((go) => setTimeout(go, 100));
    expect(stills()).toEqual([expect.stringContaining(unknown)]);
    const told = await records();
    expect(told[0]).toMatchObject({ decision, door: 'front', file: name, faces: 1 });
    expect(told.at(-1)).toEqual({ deleted: 1, because: 'member' });
  }, 240_000);

  test('the process that paints may die: the door answers, health says it, and it comes back', async () => {
    const painter = daemon
      .descendants()
      .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('vision/stills/child.js'));
    expect(painter).toBeDefined();
    const from = watcher.heard.length;
    process.kill(painter!, 'SIGKILL');
    await watcher.hears('the failure', healthIs('failed'), 20_000, from);
    const failed = watcher.heard.length;
    const decision = await deny('9999');
    await watcher.hears('its return', healthIs('ok'), 120_000, failed);
    expect(await records()).toContainEqual(expect.objectContaining({ decision, why: expect.any(String) as string }));
    const again = await deny('9999');
    await daemon.says(new RegExp(`a still was stored.*${again}`), 120_000);
  }, 240_000);
});
