import { type TopicKey, TOPICS, type TopicMap } from './topics';

/** Which device the topics belong to; fills the placeholders that are the same for every topic. */
export interface TopicBase {
  readonly site: string;
  readonly device: string;
  readonly discoveryPrefix: string;
}

type Placeholders<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type OwnPlaceholders<K extends TopicKey> = Exclude<
  Placeholders<TopicMap[K]['template']>,
  keyof TopicBase | 'discoveryId'
>;
/** The placeholders that a caller fills in: `{door}` of an unlock, nothing of the status. */
export type ParamsOf<K extends TopicKey> = Readonly<Record<OwnPlaceholders<K>, string>>;

const SEGMENT = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * Identifier of the device in Home Assistant. Underscores inside the parts are doubled, so that `a_b`/`c` and `a`/`b_c` differ.
 */
export function discoveryIdOf(base: TopicBase): string {
  const escape = (part: string): string => part.replaceAll('_', '__');
  return `usher_${escape(base.site)}_${escape(base.device)}`;
}

/**
 * The concrete topic.
 * @throws RangeError when a part is not an identifier (a `/`, `+` or `#` would change which topic it is).
 */
export function topicOf<K extends TopicKey>(key: K, params: ParamsOf<K>, base: TopicBase): string {
  return fill(TOPICS[key].template, { ...base, ...params, discoveryId: discoveryIdOf(base) });
}

/** The concrete topic of a key that belongs to no device. @throws RangeError as `topicOf` */
export function fleetTopicOf<K extends 'fleetDesired' | 'updateData'>(key: K, params: ParamsOf<K>): string {
  return fill(TOPICS[key].template, params);
}

/** The subscription that covers every topic of a key. */
export function filterOf(key: TopicKey, base: TopicBase): string {
  return filterIn(TOPICS[key].template, base);
}

function filterIn(template: string, base: TopicBase): string {
  const known: Record<string, string> = { ...base };
  return template.replace(/\{(\w+)\}/g, (_, name: string) => known[name] ?? '+');
}

/** The subscriptions that cover a key where only some values of its placeholders matter. */
export function filtersOf(key: TopicKey, base: TopicBase, only: Readonly<Record<string, readonly string[]>>): string[] {
  let templates: string[] = [TOPICS[key].template];
  for (const [name, values] of Object.entries(only))
    templates = templates.flatMap((template) => values.map((value) => template.replace(`{${name}}`, value)));
  return templates.map((template) => filterIn(template, base));
}

/** The parameters of a concrete topic, or null when it is not a well-formed topic of that key. */
export function paramsOf<K extends TopicKey>(key: K, topic: string, base: TopicBase): ParamsOf<K> | null {
  const wanted = TOPICS[key].template.split('/');
  const found = topic.split('/');
  if (wanted.length !== found.length) return null;
  const known: Record<string, string> = { ...base };
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = found[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    const literal = name === undefined ? part : known[name];
    if (literal !== undefined && literal !== value) return null;
    if (literal === undefined && name !== undefined) {
      if (!SEGMENT.test(value)) return null;
      params[name] = value;
    }
  }
  return params as ParamsOf<K>;
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    const valid = name === 'discoveryPrefix' || name === 'discoveryId' ? /^[A-Za-z0-9_-]{1,260}$/ : SEGMENT;
    if (value === undefined || !valid.test(value))
      throw new RangeError(`not an identifier for {${name}}: ${value ?? ''}`);
    return value;
  });
}
