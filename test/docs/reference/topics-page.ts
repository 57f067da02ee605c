import { asyncApiDocument } from '../../../src/mqtt/topics/asyncapi';
import { packageVersion } from '../../../src/system/paths';
import { type JsonSchema, nestedOf, typeOf } from './json-schema';
import { escaped, generatedPage, item, wrapped } from './markdown';

const INTRO =
  'What a box publishes and what it listens to, on MQTT 3.1.1 or 5. Payloads are JSON in UTF-8 unless another content type is named. `v` is the version of one payload: fields are only added; a change of meaning gets a new version. Times are milliseconds since 1970, UTC. `usher config asyncapi` writes the same as an AsyncAPI 3 document, with every limit: [device-config/asyncapi.yaml](../../device-config/asyncapi.yaml).';

export function topicsPage(): string {
  const document = asyncApiDocument(packageVersion());
  const keys = Object.keys(document.channels);
  const parameters = Object.entries(document.components.parameters).map(([name, { description }]) =>
    item(`\`{${name}}\`: ${description}.`),
  );
  return generatedPage('MQTT topics', INTRO, [
    '## Parts of a topic',
    parameters.join('\n'),
    ...(['send', 'receive'] as const).flatMap((action) => [
      action === 'send' ? '## Published by usher' : '## Received by usher',
      ...keys
        .filter((key) => document.operations[key]?.action === action)
        .flatMap((key) => {
          const [operation, message] = [document.operations[key], document.components.messages[key]];
          const address = document.channels[key]?.address ?? '';
          return [
            `### ${shortened(address)}`,
            `\`${address}\``,
            wrapped(escaped(`${operation?.summary ?? ''}.`)),
            wrapped(
              `QoS ${operation?.bindings.mqtt.qos ?? '?'}. ${operation?.description ?? ''}${message?.contentType === 'application/json' ? '' : ` Content type: ${message?.contentType ?? ''}.`}`,
            ),
            ...fieldsOf(message?.payload ?? {}),
          ];
        }),
    ]),
  ]);
}

const shortened = (address: string): string => address.replace('usher/v1/{site}/{device}/', '');

function fieldsOf(payload: JsonSchema): string[] {
  const list = itemsOf(payload, '');
  return list.length === 0 ? [] : ['Fields:', list.join('\n')];
}

function itemsOf(schema: JsonSchema, path: string): string[] {
  const nested = nestedOf(schema);
  if (nested === null) return [];
  return nested.objects.flatMap((object) =>
    Object.entries(object.properties ?? {}).flatMap(([key, value]) => {
      const name = `${path}${nested.step}${path === '' && nested.step === '' ? '' : '.'}${key}`;
      const inner = nestedOf(value);
      const optional = object.required?.includes(key) ? '' : ', may be absent';
      const kind = inner === null ? typeOf(value) : inner.step === '' ? 'object' : `list or map of objects`;
      const text = value.description === undefined ? '' : ` ${escaped(value.description)}.`;
      return [item(`**${name}**: ${kind}${optional}.${text}`), ...itemsOf(value, name)];
    }),
  );
}
