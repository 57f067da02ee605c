import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { writeBundle } from '../../src/bundles/write';
import { Guest } from '../../src/mqtt/link/guest';
import { packageRoot } from '../../src/system/paths';
import { tinyBundle } from '../bundles/tiny-model';
import { usher } from '../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

interface Row {
  readonly device: string;
  readonly online: boolean | null;
  readonly state?: string;
  readonly reason?: string | null;
}

describeWithMosquitto('a manager at the command line', () => {
  const mosquitto = new Mosquitto();
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-manager-'));
  const fleet = path.join(dir, 'fleet');
  let guest: Guest;

  beforeAll(async () => {
    await mosquitto.start();
    guest = await Guest.connect({ url: mosquitto.url });
    const made = await usher('fleet', 'init', fleet);
    if (made.code !== 0) throw new Error(made.stderr);
  }, 60_000);
  afterAll(async () => {
    await guest.close();
    await mosquitto.dispose();
    rmSync(dir, { recursive: true });
  });

  const report = (device: string, state: string, reason: string | null, at = 1000): Promise<void> => {
    const channel = {
      ...{ channel: 'face/encoder', active: { release: null, version: '1.0.0' }, previous: null, state },
      candidate: { release: 'face-encoder-1-1.1.0', version: '1.1.0' },
      ...{ bytes: { have: 50, total: 200 }, attempt: 0, since: 1, reason, detail: null, agreement: null },
    };
    const reported = { v: 1, at, usher: '0.1.0', arch: 'x64', groups: [], channels: [channel] };
    return guest.retain(`usher/v1/lyon/${device}/update/reported`, JSON.stringify(reported));
  };
  const status = (device: string, state: string, birth: number): Promise<void> =>
    guest.retain(
      `usher/v1/lyon/${device}/status`,
      JSON.stringify({ v: 1, state, bootId: '00000000-0000-4000-8000-000000000000', birth, at: 2000 }),
    );
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await usher('fleet', ...args, '--json', '--broker', mosquitto.url);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('sees each box as it last said, filters, and takes no heed of what is no report', async () => {
    await report('a', 'committed', null);
    await report('b', 'verified', null);
    await report('c', 'refused', 'wrong-answers');
    for (const device of ['a', 'b', 'c']) await status(device, 'online', 7);
    // A last will of an earlier connection, which comes late.
    await status('b', 'offline', 6);
    await status('c', 'offline', 7);
    await guest.retain('usher/v1/lyon/d/update/reported', '{"v":1}');
    const { rows, boxes, ignored } = (await json('status')) as { rows: Row[]; boxes: number; ignored: number };
    expect(boxes).toBe(3);
    expect(ignored).toBe(1);
    expect(rows.map(({ device, online, state }) => [device, online, state])).toEqual([
      ['a', true, 'committed'],
      // Of a retained topic the broker keeps the last message alone: who comes now hears no more of birth 7.
      ['b', false, 'verified'],
      ['c', false, 'refused'],
    ]);
    const some = (await json('status', '--state', 'refused')) as { rows: Row[] };
    expect(some.rows).toMatchObject([{ device: 'c', reason: 'wrong-answers' }]);
    const { stdout } = await usher('fleet', 'status', '--broker', mosquitto.url);
    expect(stdout).toMatch(/lyon\/b +face\/encoder +1\.0\.0 +verified +1\.1\.0 +25 %/);
    expect(stdout).toMatch(/3 boxes: 1 committed, 1 verified, 1 refused/);
  }, 120_000);

  it('stops a rollout, goes on with it, takes it back: each a newer signed offer', async () => {
    const bundle = await writeBundle(path.join(dir, 'models'), tinyBundle('tiny'));
    const on = ['--fleet', fleet];
    await json('publish', bundle, ...on, '--channel', 'face/encoder', '--rollout', '5%,100%');
    const seen: { seq: number; state: string }[] = [];
    const listener = await Guest.connect({ url: mosquitto.url }, ({ payload }) => {
      const { seq, offers } = JSON.parse(payload.toString()) as {
        seq: number;
        offers: { rollout: { state: string } }[];
      };
      seen.push({ seq, state: offers[0]?.rollout.state ?? '' });
    });
    await listener.subscribe('usher/v1/fleet/all/update/desired');
    for (const verb of ['pause', 'resume', 'abort'])
      expect(await json('rollout', verb, 'face/encoder', ...on)).toMatchObject({ channel: 'face/encoder' });
    await listener.close();
    expect(seen.map(({ state }) => state)).toEqual(['rolling', 'paused', 'rolling', 'aborted']);
    expect(seen.map(({ seq }) => seq)).toEqual([...seen.map(({ seq }) => seq)].sort((a, b) => a - b));
    expect(new Set(seen.map(({ seq }) => seq)).size).toBe(4);
    const unknown = await usher('fleet', 'rollout', 'pause', 'scene', ...on, '--broker', mosquitto.url);
    expect(unknown.stderr).toMatch(/there is no offer on scene/);
  }, 120_000);

  it('follows what happens, without what was kept and without unlocks', async () => {
    await guest.retain('usher/v1/lyon/a/event/front/decision', '{"kept":true}');
    const main = path.join(packageRoot(), 'dist', 'main.js');
    const child = spawn(process.execPath, [main, 'fleet', 'events', '--json', '--broker', mosquitto.url]);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    try {
      const until = performance.now() + 30_000;
      for (let n = 0; lines.length === 0; n++) {
        if (performance.now() > until) throw new Error('no event came');
        await guest.publish('usher/v1/lyon/a/event/front/unlock', { n });
        await guest.publish('usher/v1/lyon/a/event/front/decision', { n });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      const [first] = lines.map((line) => JSON.parse(line) as { topic: string; payload: object });
      expect(first?.topic).toBe('usher/v1/lyon/a/event/front/decision');
      expect(lines.join()).not.toMatch(/unlock|kept/);
    } finally {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    }
  }, 60_000);
});
