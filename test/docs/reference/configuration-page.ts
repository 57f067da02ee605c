import { code, isNumber, type JsonSchema, nestedOf, typeOf, unitOf } from './json-schema';
import { escaped, generatedPage, item, wrapped } from './markdown';

/** One page for one configuration schema: a heading for each object, an item for each key. */
export function configurationPage(title: string, intro: string, schema: JsonSchema): string {
  return generatedPage(title, intro, sectionsOf('', schema, 2));
}

function sectionsOf(path: string, schema: JsonSchema, level: number): string[] {
  const keys = Object.entries(schema.properties ?? {});
  const plain = keys.filter(([, value]) => nestedOf(value) === null);
  const nested = keys.filter(([, value]) => nestedOf(value) !== null);
  const own = plain
    .filter(([key, value]) => !(key === 'type' && value.const !== undefined))
    .map(([key, value]) => keyItem(key, value, schema.required?.includes(key) ?? false));
  return [
    ...(own.length === 0 ? [] : [...(path === '' ? ['## Top level'] : []), own.join('\n')]),
    ...nested.flatMap(([key, value]) => objectSections(joined(path, key), value, level)),
  ];
}

function objectSections(path: string, schema: JsonSchema, level: number): string[] {
  const { step, objects } = nestedOf(schema) ?? { step: '', objects: [] };
  const full = `${path}${step}`;
  const heading = '#'.repeat(Math.min(level, 4));
  const intro = sentence([schema.description ?? '', defaultOf(schema)]);
  const [only] = objects;
  if (objects.length === 1 && only !== undefined)
    return [`${heading} ${full}`, wrapped(intro), ...sectionsOf(full, only, level + 1)];
  return [
    `${heading} ${full}`,
    wrapped(sentence([intro, 'Its `type` says which keys it has'])),
    ...objects.flatMap((object) => {
      const type = object.properties?.['type'];
      return [
        `${'#'.repeat(Math.min(level + 1, 5))} ${full}, type ${String(type?.const)}`,
        wrapped(sentence([type?.description ?? ''])),
        ...sectionsOf(full, object, level + 2),
      ];
    }),
  ];
}

function keyItem(key: string, schema: JsonSchema, required: boolean): string {
  const unit = isNumber(schema) ? unitOf(key, schema) : null;
  const facts = sentence([
    typeOf(schema),
    unit === null || unit === 'none' ? '' : `Unit: ${unit}`,
    required ? 'Required' : defaultOf(schema) || 'Optional',
  ]);
  const examples = schema.examples?.map((example) => code(example)).join(', ');
  const text = sentence([schema.description ?? '', ...(examples === undefined ? [] : [`Example: ${examples}`])]);
  return `${item(`**${key}**: ${facts}`)}\n${wrapped(escaped(text), '  ')}`;
}

function defaultOf(schema: JsonSchema): string {
  const { default: value } = schema;
  if (value === undefined) return '';
  const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  if (empty) return Array.isArray(value) && nestedOf(schema) === null ? 'Default: empty' : '';
  return `Default: ${code(value)}`;
}

const joined = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Sentences in one line, each with its full stop and a capital where it begins with a word. */
function sentence(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(' ');
}
