import { readFileSync } from 'node:fs';
import path from 'node:path';
import { carry } from '../../../src/fleet/manager/carry';
import type { VerifiedRelease } from '../../../src/fleet/release';
import { decodePart, encodePart, fileKey, partsOf } from '../../../src/fleet/transfer/framing';
import { runsOf } from '../../../src/fleet/transfer/https-source';
import { Pace } from '../../../src/fleet/transfer/pace';
import { Guest } from '../../../src/mqtt/link/guest';
import type { MqttClient } from '../../../src/mqtt/client/client';
import { makeClient } from '../../mqtt/harness';
import { until } from '../../support/until';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { BadLink, randomOf } from '../link';
import { ALL, HASTY, NOW, refusal, Rig } from '../rig';
import { sha256Hex } from '../../../src/digest';

/** Each waits for processes and a slow line, on machines that may be busy. */
jest.setTimeout(180_000);

const PATIENT = { ...HASTY, attemptsInVain: 50, partMs: 20_000 };

/** 64 kbit/s, a tenth of the packets lost, and a cut every 30 kB: sixteen times as fast here as there, to spare the suite. */
const line = (seed: number) => ({
  ...{ bytesPerSecond: 128_000, loss: 0.1, retransmitMs: 20, cutEveryBytes: 30_000 },
  random: randomOf(seed),
});

function whole(dir: string, { release }: VerifiedRelease): void {
  const model = readFileSync(path.join(dir, 'model.onnx'));
  expect(sha256Hex(model)).toBe(release.model?.sha256);
}

describe('over a bad line', () => {
  it('completes by HTTP ranges, with little sent twice', async () => {
    const rig = await Rig.start();
    const link = new BadLink(() => rig.port, line(1));
    await link.start();
    try {
      const offer = rig.offer(await rig.publish('1.0.0', { ballast: 30_000, chunkBytes: 16_384 }));
      const verified = await rig.box().verify(offer);
      const box = rig.box({ url: `http://127.0.0.1:${link.port}`, limits: PATIENT });
      const dir = path.join(box.slots, 'x');
      await box.receiving.transfer.fetch(verified, dir);
      whole(dir, verified);
      expect(link.cuts).toBeGreaterThan(2);
      // A header a cut, however large the chunks are.
      expect(link.delivered / verified.release.archive.bytes).toBeLessThan(1.05);
    } finally {
      await link.stop();
      await rig.stop();
    }
  });
});

describeWithMosquitto('over MQTT', () => {
  let rig: Rig;
  let broker: Mosquitto;
  let client: MqttClient;
  beforeEach(async () => {
    rig = await Rig.start();
    broker = new Mosquitto();
    await broker.start();
  });
  afterEach(async () => {
    await client.stop();
    await broker.dispose();
    await rig.stop();
  });

  const connect = async (url: string): Promise<void> => {
    client = makeClient(url);
    client.start();
    await until('the box to connect', () => client.connected);
  };
  const load = async (): Promise<number> => {
    const guest = await Guest.connect({ url: broker.url });
    let sent = 0;
    const retain = (topic: string, payload: Buffer): Promise<void> => {
      sent++;
      return guest.retain(topic, payload);
    };
    await carry(rig.fleet, { retain }, broker.url);
    await guest.close();
    return sent;
  };

  it('takes a release with nothing but a broker that keeps messages, follows new roots, and refuses what was revoked', async () => {
    const known = await rig.publish('1.0.0', { ballast: 2000, chunkBytes: 4096 });
    const first = await load();
    await connect(broker.url);
    const box = rig.box({ reader: client });
    await box.take(rig.offer(known));
    expect(box.installed).toEqual([known.id]);
    // Nothing is sent again but what changed; a new root takes the place of the word that there is none.
    expect(await load()).toBe(0);
    rig.fleet.rotate('online', NOW);
    expect(await load()).toBeLessThan(first);
    const fresh = rig.offer(known, ALL, NOW + 1);
    expect(await refusal(box.verify(fresh))).toBe('taken');
    expect(client.stats.rejected).toEqual({});
  });

  it('says what is wrong where the broker has nothing, and takes the release when it has', async () => {
    const known = await rig.publish('1.0.0');
    await connect(broker.url);
    const box = rig.box({ reader: client, limits: { ...HASTY, partMs: 200 } });
    expect(await refusal(box.take(rig.offer(known)))).toBe('broker-failed');
    await load();
    expect(await refusal(rig.box({ dir: box.dir, reader: client }).take(rig.offer(known)))).toBe('taken');
  });

  it('completes over a bad line with cuts, with little sent twice', async () => {
    const known = await rig.publish('1.0.0', { ballast: 30_000, chunkBytes: 2048 });
    await load();
    const verified = await rig.box().verify(rig.offer(known));
    const link = new BadLink(() => broker.port, line(2));
    await link.start();
    try {
      await connect(`mqtt://127.0.0.1:${link.port}`);
      const box = rig.box({ reader: client, limits: PATIENT });
      const before = link.delivered;
      const dir = path.join(box.slots, 'x');
      await box.receiving.transfer.fetch(verified, dir);
      whole(dir, verified);
      expect(link.cuts).toBeGreaterThan(2);
      // Beside the chunks a connection carries its greetings and the answers to subscriptions.
      expect((link.delivered - before) / verified.release.archive.bytes).toBeLessThan(1.15);
    } finally {
      await client.stop();
      await link.stop();
    }
  });

  it('refuses parts that somebody else put there', async () => {
    const known = await rig.publish('1.0.0');
    await load();
    const { release } = await rig.box().verify(rig.offer(known));
    const file = `targets/archives/${release.archive.sha256}.${known.id}.tar`;
    const guest = await Guest.connect({ url: broker.url });
    const bytes = Buffer.from(rig.fleet.read(file));
    bytes[700] = (bytes[700] ?? 0) ^ 1;
    const [part] = [...partsOf(bytes, 1024)];
    await guest.retain(`usher/v1/fleet/all/update/data/${fileKey(file)}/0`, encodePart(part!));
    await guest.close();
    await connect(broker.url);
    const box = rig.box({ reader: client });
    expect(await refusal(box.take(rig.offer(known)))).toBe('digest-mismatch');
    expect(box.installed).toEqual([]);
  });
});

describe('the pieces of a transfer', () => {
  it('travels as it was, and what is cut or changed is no part', () => {
    const [part] = [...partsOf(Buffer.from('hello'), 1024)];
    const frame = encodePart(part!);
    expect(decodePart(frame)).toEqual({
      index: 0,
      parts: 1,
      fileBytes: 5,
      bytes: new Uint8Array(Buffer.from('hello')),
    });
    for (let length = 0; length < 16; length++) expect(decodePart(frame.subarray(0, length))).toBeNull();
    expect(decodePart(Buffer.concat([frame, Buffer.from('!')]))).toBeNull();
    expect(decodePart(Buffer.alloc(40_000, frame))).toBeNull();
  });

  it('asks for what is missing in runs', () => {
    expect(runsOf([])).toEqual([]);
    expect(runsOf([0, 1, 2, 5, 7, 8])).toEqual([
      [0, 2],
      [5, 5],
      [7, 8],
    ]);
  });

  it('waits for a door, but not for ever', async () => {
    let now = 0;
    let looked = 0;
    const pace = new Pace({
      bytesPerSecond: 1e9,
      isBusy: () => {
        looked++;
        now += 100;
        return true;
      },
      monotonicMs: () => now,
      limits: { ...HASTY, yieldMaxMs: 1000, yieldLookMs: 1 },
    });
    await pace.turn(1);
    expect(looked).toBeGreaterThan(5);
    const stop = new AbortController();
    stop.abort();
    expect(await refusal(pace.turn(1, stop.signal))).toBe('cancelled');
  });
});
