import { asyncApiDocument } from '../../../src/mqtt/topics/asyncapi';
import { type TopicDefinition, type TopicKey, TOPICS } from '../../../src/mqtt/topics/topics';
import { topicOf } from '../../../src/mqtt/topics/topic-names';
import { packageVersion } from '../../../src/system/paths';
import { channelsOf, PUBLISHED, validatorOf, violation } from '../../support/asyncapi';
import { SAMPLES } from '../samples';
import { BASE } from '../harness';

const keys = Object.keys(TOPICS) as TopicKey[];
const isBinary = (key: TopicKey): boolean => (TOPICS[key] as TopicDefinition).encoding === 'binary';
const inJson = keys.filter((key) => !isBinary(key));
/** Any identifier for every parameter that is a topic's own. */
const ANY = Object.fromEntries(
  keys.flatMap((key) => [...TOPICS[key].template.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name as string, 'x1'])),
);
const someTopicOf = (key: TopicKey): string => topicOf(key, ANY as never, BASE);
const resolve = ($ref: string): unknown =>
  $ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], PUBLISHED);

describe('the published AsyncAPI description', () => {
  it('is what the code makes: npx --no-install usher config asyncapi -o device-config/asyncapi.yaml', () => {
    expect(PUBLISHED).toEqual(JSON.parse(JSON.stringify(asyncApiDocument(packageVersion()))));
  });

  it('has a channel, an operation and a message for every topic, and none besides', () => {
    expect(Object.keys(PUBLISHED.channels)).toEqual(keys);
    expect(Object.keys(PUBLISHED.operations)).toEqual(keys);
    expect(Object.keys(PUBLISHED.components.messages)).toEqual(keys);
  });

  it.each(keys)('%s: address, direction, quality of service and retention are those of the topic map', (key) => {
    const { template, direction, delivery, qos } = TOPICS[key];
    const operation = PUBLISHED.operations[key]!;
    expect(PUBLISHED.channels[key]!.address).toBe(template);
    expect(operation.action).toBe(direction === 'out' ? 'send' : 'receive');
    expect(operation.bindings.mqtt).toMatchObject({ qos, retain: delivery === 'state' });
    expect(operation.channel.$ref).toBe(`#/channels/${key}`);
  });

  it('names every parameter of an address, and every reference leads somewhere', () => {
    for (const { address, parameters } of Object.values(PUBLISHED.channels))
      expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    const references = [...JSON.stringify(PUBLISHED).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to as string);
    expect(references.length).toBeGreaterThan(keys.length * 4);
    for (const to of references) expect({ to, there: resolve(to) !== undefined }).toEqual({ to, there: true });
  });

  it.each(keys)('%s: a topic of the code is found again, and what the code sends there is as described', (key) => {
    expect(channelsOf(someTopicOf(key))[0]).toBe(key);
    const message = PUBLISHED.components.messages[key]!;
    if (isBinary(key)) {
      expect(message).toMatchObject({ contentType: 'application/octet-stream', payload: { format: 'binary' } });
      expect(TOPICS[key].payload.safeParse(SAMPLES[key]).success).toBe(true);
      return;
    }
    expect(message.contentType).toBe('application/json');
    expect(violation(someTopicOf(key), SAMPLES[key])).toBeNull();
  });

  it.each(inJson)('%s: refuses what the code refuses', (key) => {
    const schema = TOPICS[key].payload;
    const spoilt: unknown[] = [null, [], 'text', 7, {}];
    const sample = SAMPLES[key] as Readonly<Record<string, unknown>>;
    for (const [name, value] of Object.entries(sample)) {
      const without = Object.fromEntries(Object.entries(sample).filter(([other]) => other !== name));
      spoilt.push(without, { ...sample, [name]: typeof value === 'string' ? 7 : 'text' });
    }
    spoilt.push({ ...sample, v: 2 }, { ...sample, surprise: true });
    for (const payload of spoilt)
      expect({ payload, good: validatorOf(key).safeParse(payload).success }).toEqual({
        payload,
        good: schema.safeParse(payload).success,
      });
  });

  it.each([
    'usher/v1/lyon/front/event/main/opened',
    'usher/v2/lyon/front/status',
    'usher/v1/lyon/front/status/more',
    'homeassistant/switch/usher_lyon_front/config',
    '',
  ])('knows no channel "%s"', (topic) => {
    expect(violation(topic, SAMPLES.status)).toMatch(/no such channel/);
  });
});
