import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readReaderKey } from '../../../src/access/swipes/reader-key';
import { commandKey, signCommand } from '../../../src/access/commands/sign-command';
import { swipeMac } from '../../../src/access/swipes/swipe';
import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const ROOT = 'usher/v1/gym/box';
const SCOPE = { site: 'gym', device: 'box' };
type Payload = Record<string, unknown>;

describeWithMosquitto('readers, contacts and commands of a running daemon', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let desk: number;
  const file = (name: string): string => join(installation.dir, name);

  const start = async (): Promise<void> => {
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready');
  };

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['keyed', 'desk', 'bare'], cooldownMs: 200 }],
      readers: [
        { id: 'keyed', keyFile: 'keyed.key' },
        { id: 'desk', keyFile: 'desk.key', source: { type: 'command', argv: ['cat', '--', 'PIPE'] } },
      ],
      contacts: [{ door: 'front', keyFile: 'contact.key' }],
      security: { commandKeys: ['site.pem.pub'] },
      health: { everySeconds: 1 },
    });
    const pipe = file('desk-pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) throw new Error('mkfifo failed');
    desk = openSync(pipe, 'r+');
    writeFileSync(installation.config, readFileSync(installation.config, 'utf8').replace('PIPE', pipe));
    for (const name of ['keyed', 'desk', 'contact']) await usher('reader', 'key', 'new', file(`${name}.key`));
    for (const name of ['site', 'stranger']) await usher('command-key', 'new', file(`${name}.pem`));
    for (const id of ['4711', '4712']) {
      const enrolled = await installation.enroll(id, '--force', entrance.still);
      if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    }
    watcher = await Watcher.connect(mosquitto.url, '#');
    await start();
  }, 180_000);

  afterAll(async () => {
    await daemon.stop('SIGKILL');
    closeSync(desk);
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  const decisionAfter = async (from: number): Promise<Payload> =>
    (await watcher.hears('a decision', ({ topic }) => topic === `${ROOT}/event/front/decision`, 20_000, from)).payload;
  const decisions = (from: number): number =>
    watcher.heard.slice(from).filter(({ topic }) => topic.endsWith('/decision')).length;
  const swiped = (id: string, counter: number, at = Date.now()): Payload => {
    const message = { v: 1 as const, id, at, counter };
    const key = readReaderKey(file('keyed.key'));
    return { ...message, mac: swipeMac(key, { ...SCOPE, reader: 'keyed' }, message) };
  };
  const keyedSwipe = (id: string) =>
    usher(
      'reader',
      'swipe',
      '--config',
      installation.config,
      '--reader',
      'keyed',
      '--id',
      id,
      '--key',
      file('keyed.key'),
    );
  const order = (verb: string, args: Payload, key = 'site.pem') =>
    usher(
      ...['command', verb, '--config', installation.config, '--json', '--args', JSON.stringify(args)],
      ...(key === '' ? [] : ['--key', file(key)]),
    );
  const answerOf = ({ stdout }: { stdout: string }): Payload => JSON.parse(stdout) as Payload;
  /** Everything sent before this was dealt with: the daemon takes messages in order. */
  const settled = async (): Promise<void> => {
    expect(answerOf(await order('ping', {}, ''))).toMatchObject({ ok: true });
  };

  /** A door that has just opened takes no swipe. */
  beforeEach(async () => {
    const deadline = performance.now() + 10_000;
    while (watcher.of('state/door/front').at(-1)?.payload['state'] !== 'closed' && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test('a swipe of the reader’s own key opens; the box has warned of the one without', async () => {
    expect(daemon.log).toMatch(/readers: any client that may publish.*readers=bare /);
    const from = watcher.heard.length;
    expect(await keyedSwipe('4711')).toMatchObject({ code: 0 });
    expect(await decisionAfter(from)).toMatchObject({ outcome: 'granted', member: '4711' });
  });

  test('nothing else does: no MAC, another’s MAC, a copy, an older one, one held back, one for elsewhere', async () => {
    const counter = Date.now();
    const honest = swiped('4711', counter);
    let from = watcher.heard.length;
    await watcher.say(`${ROOT}/in/keyed/swipe`, honest);
    expect(await decisionAfter(from)).toMatchObject({ outcome: 'granted' });
    from = watcher.heard.length;
    const forgeries: [topic: string, payload: Payload, reason: string][] = [
      ['keyed', honest, 'duplicate'],
      ['keyed', swiped('4711', counter - 1), 'out-of-order'],
      ['keyed', swiped('4711', counter + 1, Date.now() - 60_000), 'stale'],
      ['keyed', swiped('4711', counter + 1, Date.now() + 60_000), 'from-future'],
      ['keyed', { v: 1, id: '4711', at: Date.now() }, 'missing-mac'],
      ['keyed', { ...swiped('4711', counter + 1), id: '4712' }, 'bad-mac'],
      ['desk', swiped('4711', counter + 1), 'wrong-source'],
      ['elsewhere', swiped('4711', counter + 1), 'unknown-reader'],
    ];
    for (const [reader, payload] of forgeries) await watcher.say(`${ROOT}/in/${reader}/swipe`, payload);
    await settled();
    expect(decisions(from)).toBe(0);
    for (const [, , reason] of forgeries) expect(daemon.log).toMatch(new RegExp(`message refused .*reason=${reason} `));
    expect(daemon.log).not.toContain(String(honest['mac']));
  });

  test('kill -9 opens no window: what was swiped before it is refused after it', async () => {
    const honest = swiped('4711', Date.now());
    let from = watcher.heard.length;
    await watcher.say(`${ROOT}/in/keyed/swipe`, honest);
    await decisionAfter(from);
    await daemon.stop('SIGKILL');
    await start();
    from = watcher.heard.length;
    await watcher.say(`${ROOT}/in/keyed/swipe`, honest);
    await settled();
    expect(daemon.log).toMatch(/reason=duplicate/);
    expect(decisions(from)).toBe(0);
  }, 60_000);

  test('an attached reader: SWIPE lines by its key, nothing without it, and its health when its program dies', async () => {
    const line = await usher(
      'reader',
      'swipe',
      '--config',
      installation.config,
      '--reader',
      'desk',
      '--id',
      '4711',
      '--key',
      file('desk.key'),
      '--line',
    );
    let from = watcher.heard.length;
    writeSync(desk, line.stdout);
    expect(await decisionAfter(from)).toMatchObject({ outcome: 'granted', member: '4711' });
    from = watcher.heard.length;
    writeSync(desk, `${line.stdout}4711\nSWIPE nonsense\n`);
    await daemon.says(/swipe refused reader=desk reason=duplicate/);
    await settled();
    expect(decisions(from)).toBe(0);
    const cat = daemon.descendants().find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'cat');
    process.kill(cat ?? -1, 'SIGKILL');
    const healthOf = (state: string) =>
      watcher.hears(
        `reader-desk ${state}`,
        ({ topic, payload }) => topic === `${ROOT}/health/reader-desk` && payload['state'] === state,
        10_000,
        from,
      );
    expect((await healthOf('failed')).payload['detail']).toMatch(/SIGKILL/);
    await healthOf('ok');
  });

  test('a door that opens without an unlock is a forced one; only the contact itself can say so', async () => {
    const from = watcher.heard.length;
    const says = (open: boolean, counter: number, name = 'contact'): Promise<void> => {
      const message = { v: 1 as const, open, at: Date.now(), counter };
      const mac = swipeMac(readReaderKey(file(`${name}.key`)), { ...SCOPE, door: 'front' }, message);
      return watcher.say(`${ROOT}/in/front/contact`, { ...message, mac });
    };
    // Past the grace of the unlocks before it.
    await new Promise((resolve) => setTimeout(resolve, 9000));
    await says(false, 1);
    await says(true, 2, 'keyed');
    await watcher.say(`${ROOT}/in/front/contact`, { v: 1, open: true, at: Date.now() });
    await settled();
    expect(watcher.heard.slice(from).filter(({ topic }) => topic.includes('alarm'))).toEqual([]);
    await says(true, 2);
    const alarm = await watcher.hears('the alarm', ({ topic }) => topic.includes('/alarm'), 10_000, from);
    expect(JSON.stringify(alarm.payload)).toContain('forced');
    await says(false, 3);
  }, 40_000);

  test('lockdown and member’s rights: by the site’s key alone, at once, and each command once', async () => {
    expect(answerOf(await order('lockdown', {}, ''))).toMatchObject({ ok: false, error: { code: 'unsigned' } });
    expect(answerOf(await order('lockdown', {}, 'stranger.pem'))).toMatchObject({
      ok: false,
      error: { code: 'unknown-key' },
    });
    expect(await order('lockdown', { doors: ['nowhere'] })).toMatchObject({ code: 1 });
    expect(answerOf(await order('lockdown', {}))).toMatchObject({ ok: true });
    let from = watcher.heard.length;
    await watcher.say(`${ROOT}/in/keyed/swipe`, swiped('4711', Date.now()));
    expect(await decisionAfter(from)).toMatchObject({ outcome: 'denied', reason: 'lockdown' });
    expect(answerOf(await order('release-lockdown', {}))).toMatchObject({ ok: true });

    const reasonFor = async (id: string): Promise<unknown> => {
      from = watcher.heard.length;
      await watcher.say(`${ROOT}/in/keyed/swipe`, swiped(id, Date.now()));
      return (await decisionAfter(from))['reason'];
    };
    expect(await reasonFor('4711')).toBe('match');
    expect(answerOf(await order('member-suspend', { member: '4711' }))).toMatchObject({ ok: true });
    expect(await reasonFor('4711')).toBe('member-suspended');
    expect(answerOf(await order('member-activate', { member: '4711' }))).toMatchObject({ ok: true });
    expect(await reasonFor('4711')).toBe('match');
    const revoked = answerOf(await order('member-revoke', { member: '4712' }));
    expect(revoked).toMatchObject({ ok: true, result: { receipt: { reason: 'revoked' } } });
    expect(await reasonFor('4712')).toBe('unknown-member');
    expect(answerOf(await order('member-revoke', { member: '4712' }))).toMatchObject({
      error: { code: 'member-unknown' },
    });
  }, 120_000);

  test('a recorded command is worth nothing, not even after kill -9, not at another verb', async () => {
    const key = commandKey(readFileSync(file('site.pem'), 'utf8'));
    const recorded = signCommand(
      key,
      SCOPE,
      'member-suspend',
      { id: 'r1', args: { member: '4711' } },
      { issuedAt: Date.now(), lifeMs: 120_000 },
    );
    const from = watcher.heard.length;
    const answers = (): Payload[] =>
      watcher.heard
        .slice(from)
        .filter(({ topic, payload }) => topic === `${ROOT}/command/result` && payload['id'] === 'r1')
        .map(({ payload }) => payload);
    await watcher.say(`${ROOT}/command/member-suspend`, recorded);
    await watcher.say(`${ROOT}/command/member-suspend`, recorded);
    await watcher.say(`${ROOT}/command/member-activate`, recorded);
    await settled();
    expect(answers()).toEqual([
      expect.objectContaining({ verb: 'member-suspend', ok: true }),
      expect.objectContaining({
        verb: 'member-activate',
        error: expect.objectContaining({ code: 'bad-signature' }) as unknown,
      }),
    ]);
    expect(answerOf(await order('member-activate', { member: '4711' }))).toMatchObject({ ok: true });
    await daemon.stop('SIGKILL');
    await start();
    await watcher.say(`${ROOT}/command/member-suspend`, recorded);
    await settled();
    expect(answers().at(-1)).toMatchObject({ verb: 'member-suspend', error: { code: 'replayed' } });
    const last = watcher.heard.length;
    await watcher.say(`${ROOT}/in/keyed/swipe`, swiped('4711', Date.now()));
    expect(await decisionAfter(last)).toMatchObject({ outcome: 'granted' });
  }, 60_000);
});
