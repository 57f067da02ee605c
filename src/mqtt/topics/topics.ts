import { type z } from 'zod';
import * as payloads from './payloads';
import * as updates from './update-payloads';

/**
 * - `state`: retained; the latest value is kept and published again after every connect.
 * - `event`: waits in a bounded queue for the broker, in order, until it is acknowledged; may come twice, under one number.
 * - `momentary`: sent now or never: not retained, not queued, not resent. An unlock that arrives late opens a door to nobody.
 */
export type Delivery = 'state' | 'event' | 'momentary';

export interface TopicDefinition {
  readonly template: string;
  readonly direction: 'out' | 'in';
  readonly delivery: Delivery;
  readonly qos: 0 | 1;
  readonly payload: z.ZodType;
  readonly summary: string;
  /** Raw bytes; without it, JSON. */
  readonly encoding?: 'binary';
}

const define = <const D extends TopicDefinition>(definition: D): D => definition;
const DEVICE = 'usher/v1/{site}/{device}';

/** Every topic of usher, as data: publishing, subscribing, tests and the published description all read this. */
export const TOPICS = {
  status: define({
    template: `${DEVICE}/status`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.StatusPayload,
    summary: 'Presence of the device; also its last will',
  }),
  health: define({
    template: `${DEVICE}/health/{component}`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.HealthPayload,
    summary:
      'Condition of one component, with the age of its last real progress; an actuator says its own as actuator-{door}, also as its last will',
  }),
  doorState: define({
    template: `${DEVICE}/state/door/{door}`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.DoorStatePayload,
    summary: 'What a door is waiting for',
  }),
  sceneState: define({
    template: `${DEVICE}/state/scene/{camera}`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.SceneStatePayload,
    summary: 'What a camera sees as a whole, as its scene model names it: day, night',
  }),
  modelState: define({
    template: `${DEVICE}/state/model/{camera}`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.ModelStatePayload,
    summary: 'Models and execution providers that really run behind a camera',
  }),
  wordsState: define({
    template: `${DEVICE}/state/words/{microphone}`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.WordsStatePayload,
    summary: 'Trigger words, models and execution providers that really run behind a microphone',
  }),
  decision: define({
    template: `${DEVICE}/event/{door}/decision`,
    direction: 'out',
    delivery: 'event',
    qos: 1,
    payload: payloads.DecisionPayload,
    summary: 'Granted or denied, and why; a seq not above the highest seen of its journal is a repetition',
  }),
  alarm: define({
    template: `${DEVICE}/event/{door}/alarm`,
    direction: 'out',
    delivery: 'event',
    qos: 1,
    payload: payloads.AlarmPayload,
    summary: 'Duress, forced or held door, lock-out; only those who watch over the door should be able to read it',
  }),
  // QoS 0, as nothing of it is to be kept: a broker stores QoS 1 for subscribers that are away.
  visitor: define({
    template: `${DEVICE}/event/{camera}/visitor`,
    direction: 'out',
    delivery: 'momentary',
    qos: 0,
    payload: payloads.VisitorPayload,
    summary: 'Somebody unknown came by, under an identifier of the day; only where the configuration asks for it',
  }),
  // Publish it before the decision: a broker with Nagle's algorithm on (mosquitto without set_tcp_nodelay) holds the second of
  // two messages to one subscriber until TCP acknowledges the first, measured 43 ms at the 95th percentile.
  // QoS 0 on purpose: a broker keeps QoS 1 for subscribers that are away, and delivers it when they return.
  unlock: define({
    template: `${DEVICE}/event/{door}/unlock`,
    direction: 'out',
    delivery: 'momentary',
    qos: 0,
    payload: payloads.UnlockPayload,
    summary: 'Open this door now; void after notAfter',
  }),
  // QoS 0, as of an unlock: what a broker kept for somebody who was away would come when nobody has said a word.
  activation: define({
    template: `${DEVICE}/event/{microphone}/activation`,
    direction: 'out',
    delivery: 'momentary',
    qos: 0,
    payload: payloads.ActivationPayload,
    summary: 'A trigger word was heard; void after notAfter',
  }),
  swipe: define({
    template: `${DEVICE}/in/{reader}/swipe`,
    direction: 'in',
    delivery: 'momentary',
    qos: 1,
    payload: payloads.SwipePayload,
    summary: 'A card was presented; retained, stale and repeated ones are refused',
  }),
  contact: define({
    template: `${DEVICE}/in/{door}/contact`,
    direction: 'in',
    delivery: 'momentary',
    qos: 1,
    payload: payloads.ContactPayload,
    summary: 'The door was opened or closed; refused as swipes are',
  }),
  command: define({
    template: `${DEVICE}/command/{verb}`,
    direction: 'in',
    delivery: 'momentary',
    qos: 1,
    payload: payloads.CommandPayload,
    summary: 'Do this; answered on command/result under the same id; retained ones are refused',
  }),
  commandResult: define({
    template: `${DEVICE}/command/result`,
    direction: 'out',
    delivery: 'momentary',
    qos: 1,
    payload: payloads.CommandResultPayload,
    summary: 'The answer to a command',
  }),
  auditHead: define({
    template: `${DEVICE}/audit/head`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.AuditHeadPayload,
    summary: 'Head of the journal’s hash chain; whoever keeps it can tell a journal that was changed or cut',
  }),
  updateDesired: define({
    template: `${DEVICE}/update/desired`,
    direction: 'in',
    delivery: 'state',
    qos: 1,
    payload: updates.UpdateDesiredPayload,
    summary: 'Releases wanted of this device; signed, believed for its signatures alone',
  }),
  fleetDesired: define({
    template: 'usher/v1/fleet/{group}/update/desired',
    direction: 'in',
    delivery: 'state',
    qos: 1,
    payload: updates.UpdateDesiredPayload,
    summary:
      'Releases wanted of every device of a group, or of all; where a device has an offer of its own, that one counts',
  }),
  updateData: define({
    template: 'usher/v1/fleet/{group}/update/data/{file}/{part}',
    direction: 'in',
    delivery: 'state',
    qos: 0,
    payload: updates.UpdateDataPayload,
    encoding: 'binary',
    summary: 'Files of the repository in parts, for devices without HTTPS; a device takes one part at a time',
  }),
  updateReported: define({
    template: `${DEVICE}/update/reported`,
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: updates.UpdateReportedPayload,
    summary: 'What runs on each channel, and how far an update is',
  }),
  discovery: define({
    template: '{discoveryPrefix}/device/{discoveryId}/config',
    direction: 'out',
    delivery: 'state',
    qos: 1,
    payload: payloads.DiscoveryPayload,
    summary: 'Home Assistant device discovery',
  }),
};

type TopicMap = typeof TOPICS;
export type TopicKey = keyof TopicMap;
type KeysOf<Direction> = { [K in TopicKey]: TopicMap[K]['direction'] extends Direction ? K : never }[TopicKey];
export type OutKey = KeysOf<'out'>;
export type InKey = KeysOf<'in'>;
/** Outgoing topics of one way of delivery. */
export type OutKeyOf<D extends Delivery> = { [K in OutKey]: TopicMap[K]['delivery'] extends D ? K : never }[OutKey];
export type PayloadOf<K extends TopicKey> = z.infer<TopicMap[K]['payload']>;

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
