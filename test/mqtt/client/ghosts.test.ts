import { type MqttClient } from '../../../src/mqtt/client/client';
import { type RetainedMemory } from '../../../src/mqtt/client/ghosts';
import type { TopicBase } from '../../../src/mqtt/topics/topic-names';
import { Mosquitto, describeWithMosquitto } from '../../support/mosquitto';
import { BASE, Observer, ROOT, makeClient } from '../harness';
import { until } from '../../support/until';

/** The file of the box, without the disk. */
class Memory implements RetainedMemory {
  topics: readonly string[] = [];
  writes = 0;
  read = (): readonly string[] => this.topics;
  write(topics: readonly string[]): void {
    this.topics = topics;
    this.writes++;
  }
}

const state = (door: string) => ({ v: 1 as const, door, state: 'closed', at: 1 });

describeWithMosquitto('what an earlier configuration left on the broker', () => {
  let broker: Mosquitto;
  let memory: Memory;
  const took: string[] = [];

  const run = async (doors: readonly string[], work: (client: MqttClient) => Promise<void>, base: TopicBase = BASE) => {
    const root = `usher/v1/${base.site}/${base.device}`;
    const own = new Set([`${root}/status`, ...doors.map((door) => `${root}/state/door/${door}`)]);
    const client = makeClient(broker.url, {
      ...base,
      memory,
      belongs: (topic) => own.has(topic),
      tookBack: (topics) => took.push(...topics),
    });
    for (const door of doors) client.publish('doorState', { door }, state(door));
    client.start();
    try {
      await until('the device', () => client.hears);
      await work(client);
    } finally {
      await client.stop();
    }
  };
  const retained = async (): Promise<string[]> => {
    const observer = await new Observer(broker.url, '#').connected();
    await observer.publish('fence', '');
    await until('the fence', () => observer.on('fence').length > 0);
    await observer.close();
    return observer.seen
      .filter(({ retain, text }) => retain && text !== '')
      .map(({ topic }) => topic)
      .sort();
  };

  beforeEach(async () => {
    memory = new Memory();
    took.length = 0;
    broker = new Mosquitto();
    await broker.start();
  });
  afterEach(() => broker.dispose());

  it('is taken back at the next start: a door that was renamed', async () => {
    await run(['front', 'side'], async () => {
      await until('both', () => memory.topics.length === 2);
    });
    expect(await retained()).toEqual([`${ROOT}/state/door/front`, `${ROOT}/state/door/side`, `${ROOT}/status`]);
    await run(['main', 'side'], async () => {
      await until('the old one to go', () => took.length > 0);
      expect(took).toEqual([`${ROOT}/state/door/front`]);
    });
    expect(await retained()).toEqual([`${ROOT}/state/door/main`, `${ROOT}/state/door/side`, `${ROOT}/status`]);
    expect(memory.topics).toEqual([`${ROOT}/state/door/main`, `${ROOT}/state/door/side`]);
  });

  it('is taken back where the file was lost, for it stands on the topics of the box', async () => {
    await run(['front'], async () => until('it', () => memory.topics.length === 1));
    memory = new Memory();
    await run(['main'], async () => until('the old one to go', () => took.length > 0));
    expect(await retained()).toEqual([`${ROOT}/state/door/main`, `${ROOT}/status`]);
  });

  it('is taken back under the name that the box had', async () => {
    await run(['front'], async () => until('it', () => memory.topics.length === 1));
    const renamed = { ...BASE, device: 'entrance' };
    await run(['front'], async () => until('the old name to go', () => took.length > 0), renamed);
    const topics = await retained();
    expect(topics.filter((topic) => topic.startsWith(`${ROOT}/state`))).toEqual([]);
    expect(topics).toContain('usher/v1/lyon/entrance/state/door/front');
  });

  it('is noted when a topic is added, and not with every message', async () => {
    await run(['front'], async (client) => {
      for (let at = 0; at < 100; at++) client.publish('doorState', { door: 'front' }, { ...state('front'), at });
      await until('it', () => memory.topics.length === 1);
    });
    expect(memory.writes).toBe(1);
  });
});
