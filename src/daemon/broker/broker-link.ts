import type { Config } from '../../config/schema/schema';
import { EmbeddedBroker } from '../../mqtt/broker/broker';
import { MqttClient } from '../../mqtt/client/client';
import type { EventQueue } from '../../mqtt/client/event-queue';
import type { RetainedMemory } from '../../mqtt/client/ghosts';
import { monotonicMs } from '../../system/clock';
import type { Log } from '../../system/log';

export interface BrokerLink {
  /** Not started yet: subscribers that need every message from the first on must be added before. */
  readonly mqtt: MqttClient;
  /** Where clients of this box's broker connect. */
  readonly url: string;
  /** Stops the embedded broker, if it is the embedded one. */
  readonly close: () => Promise<void>;
}

/** At most one line a reason in this time: a flood must not fill the disk through the log. */
const REFUSALS_MS = 1000;

export interface LinkParts {
  readonly queue: EventQueue;
  readonly retained: RetainedMemory;
  readonly belongs: (topic: string) => boolean;
  readonly bootId: string;
  readonly log: Log;
}

/** Connects to the configured broker, and starts the embedded one if needed. @throws UsherError `broker-failed` */
export async function linkBroker(
  { device, mqtt }: Pick<Config, 'device' | 'mqtt'>,
  { queue, retained, belongs, bootId, log }: LinkParts,
): Promise<BrokerLink> {
  const { address, close } = await brokerAt(mqtt.broker, log.child('broker'));
  const own = log.child('mqtt');
  const rejected = new Map<string, number>();
  const client = new MqttClient({
    ...address,
    site: device.site,
    device: device.id,
    discoveryPrefix: mqtt.discoveryPrefix,
    bootId,
    queue,
    memory: retained,
    belongs,
    tookBack: (topics) => {
      const root = `usher/v1/${device.site}/${device.id}/`;
      const earlier = topics.filter(
        (topic) => !topic.startsWith(root) && !topic.startsWith(`${mqtt.discoveryPrefix}/`),
      );
      own.info('removed retained messages that no longer belong to this box', { topics: topics.join(', ') });
      if (earlier.length > 0)
        own.warn('this box had another name; a broker that forbids writing under that name keeps these topics', {
          topics: earlier.join(', '),
          remedy:
            'check with mosquitto_sub that they are gone, and clear the rest with mosquitto_pub --retain --null-message',
        });
    },
    rejected: ({ topic, reason, detail }) => {
      const now = monotonicMs();
      if (now - (rejected.get(reason) ?? -Infinity) < REFUSALS_MS) return;
      rejected.set(reason, now);
      own.warn('message refused', { topic, reason, detail });
    },
    changed: (link) => {
      // The reason is in its health; see health-log.ts.
      if (link.problem === null) own.info(link.state);
    },
  });
  return { mqtt: client, url: address.url, close };
}

type BrokerConfig = Config['mqtt']['broker'];
type Address = { readonly url: string } & Partial<Extract<BrokerConfig, { type: 'external' }>>;

async function brokerAt(
  config: BrokerConfig,
  log: Log,
): Promise<{ readonly address: Address; readonly close: () => Promise<void> }> {
  if (config.type === 'external') return { address: config, close: () => Promise.resolve() };
  const { port } = config;
  const broker = new EmbeddedBroker({ port, refused: (client, why) => log.warn('client refused', { client, why }) });
  await broker.start();
  return { address: { url: broker.url }, close: () => broker.stop() };
}
