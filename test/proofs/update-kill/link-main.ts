// npm run link:update: a release of 400 kB over 64 kbit/s with a tenth of the packets lost and a cut every 100 kB, by HTTP and by MQTT
import path from 'node:path';
import { carry } from '../../../src/fleet/manager/carry';
import { TRANSFER_LIMITS } from '../../../src/fleet/transfer/limits';
import { Guest } from '../../../src/mqtt/link/guest';
import { makeClient } from '../../mqtt/harness';
import { until } from '../../support/until';
import { Mosquitto } from '../../support/mosquitto';
import { prove } from '../../support/proof';
import { PATIENCE_MS } from '../../support/until';
import { BadLink, type LinkOptions, randomOf } from '../../fleet/link';
import { type BoxOptions, Rig, type TestBox } from '../../fleet/rig';

const line = (seed: number): LinkOptions => ({
  ...{ bytesPerSecond: 8000, loss: 0.1, retransmitMs: 300, cutEveryBytes: 100_000 },
  random: randomOf(seed),
});

async function measure(form: string, rig: Rig, link: BadLink, box: TestBox): Promise<void> {
  const known = rig.offer(await rig.publish(form === 'HTTP' ? '1.0.0' : '1.1.0', published));
  if (form === 'MQTT') await load(rig);
  const verified = await rig.box().verify(known);
  const { bytes } = verified.release.archive;
  const before = link.delivered;
  let received = 0;
  const startedAt = performance.now();
  await box.receiving.transfer.fetch(verified, path.join(box.slots, 'x'), (progress) => (received = progress.received));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const share = (what: number): string => `${((what / bytes - 1) * 100).toFixed(1)} %`;
  process.stdout.write(
    `${form}: ${bytes} bytes in ${seconds} s, ${link.cuts} cuts; ${share(link.delivered - before)} more on the line, ${share(received)} of the chunks twice\n`,
  );
}

const published = { ballast: 98_000, chunkBytes: 4096 };
const broker = new Mosquitto();

async function load(rig: Rig): Promise<void> {
  const guest = await Guest.connect({ url: broker.url });
  await carry(rig.fleet, { retain: (topic, payload) => guest.retain(topic, payload) }, broker.url);
  await guest.close();
}

void prove('link:update', async ({ onEnd }) => {
  const rig = await Rig.start();
  onEnd(() => rig.stop());
  onEnd(() => broker.dispose());
  await broker.start();
  const links = [new BadLink(() => rig.port, line(1)), new BadLink(() => broker.port, line(2))] as const;
  for (const link of links) {
    await link.start();
    onEnd(() => link.stop());
  }
  const client = makeClient(`mqtt://127.0.0.1:${links[1].port}`);
  onEnd(() => client.stop());
  client.start();
  const options: BoxOptions = { limits: TRANSFER_LIMITS };
  await until('the box to connect', () => client.connected, { ms: PATIENCE_MS });
  await measure('HTTP', rig, links[0], rig.box({ ...options, url: `http://127.0.0.1:${links[0].port}` }));
  await measure('MQTT', rig, links[1], rig.box({ ...options, reader: client }));
  const idle = links.filter(({ cuts }) => cuts === 0).length;
  return { tried: links.length - idle, faults: idle > 0 ? [`${idle} of the lines were never cut`] : [] };
});
