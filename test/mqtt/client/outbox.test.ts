import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type MqttClient } from '../../../src/mqtt/client/client';
import { type EventQueue, type QueuedEvent } from '../../../src/mqtt/client/event-queue';
import { Journal } from '../../../src/store/journal/journal';
import { describeWithMosquitto } from '../../support/mosquitto';
import { BROKERS, Cable, Observer, ROOT, type TestBroker, makeClient } from '../harness';
import { until } from '../../support/until';
import { decision } from '../samples';

const DECISION = `${ROOT}/event/main/decision`;

for (const { name, make, protocolVersion } of BROKERS) {
  describeWithMosquitto(`a queue that lasts, on the ${name}`, () => {
    let broker: TestBroker;
    let cable: Cable;
    let folder: string;
    let journal: Journal;
    let client: MqttClient;
    let observer: Observer;

    const start = (queue: EventQueue = journal.outbox): void => {
      client = makeClient(cable.url, { protocolVersion, queue });
      client.start();
    };
    const decide = (): number => {
      let number = 0;
      journal.appendEvent('decision', (facts) => {
        number = facts.seq;
        const body = { ...decision(facts.seq), ...facts };
        return { topic: client.topicOfEvent('decision', { door: 'main' }, body), worth: 'denied', body };
      });
      client.wake();
      return number;
    };
    const counted = (): number[] => {
      const numbers: number[] = [];
      for (const { seq } of observer.json(DECISION)) if (Number(seq) > (numbers.at(-1) ?? 0)) numbers.push(Number(seq));
      return numbers;
    };

    beforeEach(async () => {
      broker = make();
      await broker.start();
      cable = new Cable(() => broker.port);
      await cable.restore();
      folder = mkdtempSync(path.join(tmpdir(), 'usher-queue-'));
      journal = Journal.open(folder);
      observer = await new Observer(broker.url, '#').connected();
    });
    afterEach(async () => {
      await client.stop();
      await observer.close();
      journal.close();
      await cable.cut();
      await broker.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    it('is sent on after every cut of the connection: each once and in order', async () => {
      start();
      await until('the connection', () => client.connected);
      let last = 0;
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 30; i++) last = decide();
        await new Promise((resolve) => setTimeout(resolve, round * 7));
        await cable.cut();
        for (let i = 0; i < 10; i++) last = decide();
        await cable.restore();
      }
      await until('the last', () => counted().at(-1) === last);
      expect(counted()).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
      await until('an empty queue', () => journal.outbox.peek() === undefined);
    });

    it('is sent on by another process that opens it after a crash', async () => {
      await cable.cut();
      start();
      for (let i = 0; i < 20; i++) decide();
      await client.stop();
      // What a crash leaves: the file, and nothing settled.
      const again = Journal.open(folder);
      await cable.restore();
      start(again.outbox);
      await until('all of it', () => counted().length === 20);
      expect(counted()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      await client.stop();
      again.close();
    });

    it('whose reading fails once is tried again when somebody asks, and says meanwhile what is wrong', async () => {
      let broken = true;
      const queue: EventQueue = {
        get size() {
          return journal.outbox.size;
        },
        overflowed: 0,
        push: () => undefined,
        peek: (): QueuedEvent | undefined => {
          if (broken) throw new Error('the disk is away');
          return journal.outbox.peek();
        },
        settle: (event) => journal.outbox.settle(event),
      };
      start(queue);
      await until('the connection', () => client.connected);
      decide();
      await until('the complaint', () => client.health.problem?.message.includes('the disk is away') === true);
      expect(client.connected).toBe(true);
      broken = false;
      client.wake();
      await until('the decision', () => counted().length === 1);
    });
  });
}
