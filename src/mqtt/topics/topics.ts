import { type z } from 'zod';
import * as payloads from './payloads';
import * as updates from './update-payloads';

/**
 * - `state`: retained; the latest value is kept and published again after every connect.
 * - `event`: waits in a bounded queue for the broker, in order, until it is acknowledged; may come twice, under one number.
 * - `momentary`: sent now or never: not retained, not queued, not resent. An unlock that arrives late would open an empty door.
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

/** Every topic of usher, as data: publishing, subscribing, tests and the published description all read this. Their names: `topic-names`. */
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
  // QoS 0, so that nothing of it is stored: a broker stores QoS 1 for subscribers that are offline.
  visitor: define({
    template: `${DEVICE}/event/{camera}/visitor`,
    direction: 'out',
    delivery: 'momentary',
    qos: 0,
    payload: payloads.VisitorPayload,
    summary: 'An unknown person came by, under an identifier of the day; only where the configuration asks for it',
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
  // QoS 0, as for an unlock: what a broker stored for an offline subscriber would arrive at a time without any word.
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
    summary: 'Head of the journal’s hash chain; a copy of it shows whether a journal was changed or cut',
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

export type TopicMap = typeof TOPICS;
export type TopicKey = keyof TopicMap;
type KeysOf<Direction> = { [K in TopicKey]: TopicMap[K]['direction'] extends Direction ? K : never }[TopicKey];
export type OutKey = KeysOf<'out'>;
export type InKey = KeysOf<'in'>;
/** Outgoing topics of one way of delivery. */
export type OutKeyOf<D extends Delivery> = { [K in OutKey]: TopicMap[K]['delivery'] extends D ? K : never }[OutKey];
export type PayloadOf<K extends TopicKey> = z.infer<TopicMap[K]['payload']>;
