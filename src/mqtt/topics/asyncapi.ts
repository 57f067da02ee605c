import { z } from 'zod';
import { type Delivery, type TopicDefinition, type TopicKey, TOPICS } from './topics';

/**
 * The AsyncAPI 3 description of every topic, made from the topic map and the payload schemas, so that it cannot say anything else
 * than the code does. Seen from the device: `send` is what a box says, `receive` what it listens to.
 */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: Json;
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, AsyncApiChannel>>;
  readonly operations: Readonly<Record<string, AsyncApiOperation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, AsyncApiMessage>>;
    readonly parameters: Readonly<Record<string, { readonly description: string }>>;
  };
}

type Json = Readonly<Record<string, unknown>>;
interface Reference {
  readonly $ref: string;
}

export interface AsyncApiChannel {
  readonly address: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, Reference>>;
  readonly messages: Readonly<Record<string, Reference>>;
}

export interface AsyncApiOperation {
  readonly action: 'send' | 'receive';
  readonly channel: Reference;
  readonly messages: readonly Reference[];
  readonly summary: string;
  readonly description: string;
  readonly bindings: {
    readonly mqtt: { readonly qos: number; readonly retain: boolean; readonly bindingVersion: string };
  };
}

export interface AsyncApiMessage {
  readonly name: string;
  readonly contentType: string;
  readonly payload: Json;
}

/** How the two sides must treat a message; what AsyncAPI has no field for. */
const DELIVERY: Readonly<Record<Delivery, string>> = {
  state: 'Retained: the latest value is kept by the broker and said again after every connect.',
  event:
    'Not retained. Waits on the device until the broker acknowledges it, in order; may come twice, under one number.',
  momentary: 'Not retained, not queued, not resent. A copy that is retained, late or repeated is to be refused.',
};

const PARAMETERS: Readonly<Record<string, string>> = {
  site: 'The site, device.site of the configuration',
  device: 'The box within its site, device.id of the configuration',
  discoveryPrefix: 'mqtt.discoveryPrefix of the configuration, homeassistant unless changed',
  discoveryId: 'usher_{site}_{device}, underscores within the two doubled',
};
const IDENTIFIER = 'lower-case letters, digits, - and _, at most 63';

/** @param version of the package; it stands in the document, which is committed and compared */
export function asyncApiDocument(version: string): AsyncApiDocument {
  const keys = Object.keys(TOPICS) as TopicKey[];
  const placeholders = [...new Set(keys.flatMap((key) => placeholdersOf(TOPICS[key].template)))];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'usher',
      version,
      description:
        'What a box at a door says and listens to on MQTT 3.1.1 or 5. Payloads are JSON in UTF-8, save where another content type is named; `v` is the version of one payload: a field is only ever added, a change of meaning is a new version.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: byKey(keys, (key, topic) => ({
      address: topic.template,
      description: topic.summary,
      parameters: Object.fromEntries(
        placeholdersOf(topic.template).map((name) => [name, ref('components', 'parameters', name)]),
      ),
      messages: { [key]: ref('components', 'messages', key) },
    })),
    operations: byKey(keys, (key, topic) => ({
      action: topic.direction === 'out' ? 'send' : 'receive',
      channel: ref('channels', key),
      messages: [ref('channels', key, 'messages', key)],
      summary: topic.summary,
      description: DELIVERY[topic.delivery],
      bindings: { mqtt: { qos: topic.qos, retain: topic.delivery === 'state', bindingVersion: '0.2.0' } },
    })),
    components: {
      messages: byKey(keys, (key, topic) => ({
        name: key,
        contentType: topic.encoding === 'binary' ? 'application/octet-stream' : 'application/json',
        payload: payloadSchemaOf(key, topic),
      })),
      parameters: Object.fromEntries(
        placeholders.map((name) => [name, { description: PARAMETERS[name] ?? `The ${name}: ${IDENTIFIER}` }]),
      ),
    },
  };
}

/**
 * JSON Schema draft 7, which AsyncAPI's own schema extends. A reference inside it counts from the root of the whole document.
 */
function payloadSchemaOf(key: TopicKey, topic: TopicDefinition): Json {
  if (topic.encoding === 'binary') return { type: 'string', format: 'binary' };
  const schema: Record<string, unknown> = z.toJSONSchema(topic.payload, { target: 'draft-7', io: 'input' });
  delete schema['$schema'];
  const root = `#/components/messages/${key}/payload`;
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', `"$ref":"${root}`)) as Json;
}

function byKey<T>(
  keys: readonly TopicKey[],
  make: (key: TopicKey, topic: TopicDefinition) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(keys.map((key) => [key, make(key, TOPICS[key])]));
}

function placeholdersOf(template: string): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
}

function ref(...path: readonly string[]): Reference {
  return { $ref: `#/${path.join('/')}` };
}
