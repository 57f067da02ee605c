import { z } from 'zod';
import { nearest } from '../../nearest-word';

type Node = Readonly<Record<string, unknown>>;
const node = (value: unknown): Node | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : null;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * What to say of a key that the schema does not have: the nearest key of the same place, else the place where a key of this name
 * belongs, else the keys that there are.
 * @param at path of the object that holds it
 */
export function explainUnknownKey(schema: z.ZodType, plain: unknown, at: readonly PropertyKey[], key: string): string {
  const root = jsonSchemaOf(schema);
  const here = keysOf(
    at.reduce(
      (nodes: readonly Node[], part, depth) => stepInto(nodes, part, valueAt(plain, at, depth + 1)),
      alternatives(root, plain),
    ),
  );
  const near = nearest(key, here);
  if (near !== null) return `no such key; did you mean "${near}"?`;
  const elsewhere = [...placesOf(root, key, '')].slice(0, 3);
  if (elsewhere.length > 0) return `no such key here; it belongs in ${elsewhere.join(' or ')}`;
  return here.length === 0 ? 'no such key' : `no such key; there is: ${here.join(', ')}`;
}

/** Made once a schema: it takes longer than all the rest. */
const made = new WeakMap<z.ZodType, Node>();

function jsonSchemaOf(schema: z.ZodType): Node {
  const known = made.get(schema) ?? node(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) ?? {};
  made.set(schema, known);
  return known;
}

function valueAt(plain: unknown, path: readonly PropertyKey[], depth: number): unknown {
  return path
    .slice(0, depth)
    .reduce((value: unknown, part) => (value as Readonly<Record<PropertyKey, unknown>> | undefined)?.[part], plain);
}

/** Of a union those that the value is meant to be, by its `type`. */
function alternatives(schema: Node, value: unknown): readonly Node[] {
  const options = [...list(schema['oneOf']), ...list(schema['anyOf'])].map((option) => node(option) ?? {});
  if (options.length === 0) return [schema];
  const type = node(value)?.['type'];
  const meant = options.filter((option) => node(node(option['properties'])?.['type'])?.['const'] === type);
  return (meant.length > 0 ? meant : options).flatMap((option) => alternatives(option, value));
}

function stepInto(nodes: readonly Node[], part: PropertyKey, value: unknown): readonly Node[] {
  return nodes.flatMap((schema) => {
    const next =
      typeof part === 'number'
        ? node(schema['items'])
        : (node(node(schema['properties'])?.[String(part)]) ?? node(schema['additionalProperties']));
    return next === null ? [] : alternatives(next, value);
  });
}

function keysOf(nodes: readonly Node[]): string[] {
  const keys = nodes.flatMap((schema) => Object.keys(node(schema['properties']) ?? {}));
  return [...new Set(keys)].filter((key) => key !== '$schema');
}

function* placesOf(schema: Node, key: string, path: string): Iterable<string> {
  const properties = node(schema['properties']) ?? {};
  if (Object.hasOwn(properties, key)) yield path === '' ? 'the top level' : path;
  const under = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const [name, value] of Object.entries(properties)) yield* placesOf(node(value) ?? {}, key, under(name));
  const items = node(schema['items']);
  if (items !== null) yield* placesOf(items, key, `${path}[]`);
  const named = node(schema['additionalProperties']);
  if (named !== null) yield* placesOf(named, key, under('NAME'));
  const options = [...list(schema['oneOf']), ...list(schema['anyOf'])];
  const places = new Set(options.flatMap((option) => [...placesOf(node(option) ?? {}, key, path)]));
  yield* places;
}
