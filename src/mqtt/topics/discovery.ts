import { type DiscoveryPayload } from './payloads';
import { type TopicBase, discoveryIdOf, topicOf } from './topic-names';

export interface DiscoveryInput {
  readonly base: TopicBase;
  /** Version of usher. */
  readonly version: string;
  /** `contact`: something tells whether the door stands open. */
  readonly doors: readonly { readonly id: string; readonly contact?: boolean }[];
  /** `scenes`: labels that the camera's scene can have; empty where nothing watches it. */
  readonly cameras: readonly { readonly id: string; readonly scenes?: readonly string[] }[];
  readonly microphones?: readonly { readonly id: string }[];
  /** States of the door automaton, for Home Assistant's list of options. */
  readonly doorStates: readonly string[];
  /** Further components with a health topic, in addition to the cameras: store, broker, readers and contacts, … */
  readonly components?: readonly string[];
  /** Whether unknown visitors are published. */
  readonly visitors?: boolean;
}

const SHOWN_ALARMS = ['forced-door', 'held-open', 'lockout', 'policy-unknown'] as const;

type Component = DiscoveryPayload['cmps'][string] & { readonly unique_id: string };

/**
 * Home Assistant's device discovery: one retained message that describes the box and its entities
 * (https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload). What is momentary is an `event` entity, which has no
 * state that could be stale. The member's identifier stays out: Home Assistant keeps history of every attribute.
 */
export function discoveryOf(input: DiscoveryInput): DiscoveryPayload {
  const { base, version } = input;
  const id = discoveryIdOf(base);
  const components: Component[] = [
    ...input.doors.flatMap((door) => doorComponents(door.id, input, id)),
    ...input.doors.flatMap(({ id: door, contact = false }) => (contact ? [leafComponent(door, base, id)] : [])),
    ...input.cameras.map((camera) => healthComponent(camera.id, `Camera ${camera.id}`, base, id)),
    ...input.cameras.flatMap(({ id: camera, scenes = [] }) =>
      scenes.length === 0 ? [] : [sceneComponent(camera, scenes, base, id)],
    ),
    ...(input.microphones ?? []).flatMap((microphone) => microphoneComponents(microphone.id, base, id)),
    ...(input.visitors === true ? input.cameras.map((camera) => visitorComponent(camera.id, base, id)) : []),
    ...(input.components ?? []).map((name) => healthComponent(name, name, base, id)),
  ];
  return {
    dev: { ids: [id], name: `usher ${base.site} ${base.device}`, mf: 'usher', mdl: 'usher-edge', sw: version },
    o: { name: 'usher', sw: version },
    availability: [
      {
        topic: topicOf('status', {}, base),
        value_template: '{{ value_json.state }}',
        payload_available: 'online',
        payload_not_available: 'offline',
      },
    ],
    cmps: Object.fromEntries(components.map((component) => [component.unique_id.slice(id.length + 1), component])),
    qos: 1,
  };
}

/**
 * A description that also removes entities of an earlier one: Home Assistant keeps an entity that is merely left out,
 * and removes one that has only its platform. The removal stays in the description, since Home Assistant may be offline
 * now.
 * @param before platform of every component that was described, by its key
 */
export function withRemoved(payload: DiscoveryPayload, before: Readonly<Record<string, string>>): DiscoveryPayload {
  const removed = Object.entries(before).filter(([key]) => payload.cmps[key] === undefined);
  const stubs = removed.slice(-MOST_REMOVED).map(([key, p]) => [key, { p }] as const);
  return { ...payload, cmps: { ...Object.fromEntries(stubs), ...payload.cmps } };
}

/** What `withRemoved` wants to know next time. */
export function platformsOf({ cmps }: DiscoveryPayload): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(cmps).map(([key, { p }]) => [key, p]));
}

const MOST_REMOVED = 64;

function doorComponents(door: string, input: DiscoveryInput, id: string): Component[] {
  const { base } = input;
  return [
    {
      p: 'event',
      unique_id: `${id}_door_${door}_decision`,
      name: `Door ${door} decision`,
      icon: 'mdi:account-check',
      state_topic: topicOf('decision', { door }, base),
      event_types: ['granted', 'denied'],
      value_template: eventTemplate(
        "'event_type': value_json.outcome, 'reason': value_json.reason, 'mode': value_json.mode, 'at': value_json.at",
      ),
    },
    {
      p: 'event',
      unique_id: `${id}_door_${door}_unlock`,
      name: `Door ${door} unlock`,
      icon: 'mdi:door-open',
      state_topic: topicOf('unlock', { door }, base),
      event_types: ['unlock'],
      value_template: eventTemplate(
        "'event_type': 'unlock', 'duration_ms': value_json.durationMs, 'at': value_json.issuedAt",
      ),
    },
    {
      p: 'event',
      unique_id: `${id}_door_${door}_alarm`,
      name: `Door ${door} alarm`,
      icon: 'mdi:alarm-light',
      state_topic: topicOf('alarm', { door }, base),
      // Duress stays out: it is a silent alarm, and a dashboard in the hall is not silent.
      event_types: [...SHOWN_ALARMS],
      value_template: `{% if value_json.kind != 'duress' %}${eventTemplate("'event_type': value_json.kind, 'at': value_json.at")}{% endif %}`,
    },
    {
      p: 'sensor',
      unique_id: `${id}_door_${door}_state`,
      // What the box waits for; whether the door stands open is for its contact to say.
      name: `Door ${door} state`,
      icon: 'mdi:door',
      device_class: 'enum',
      options: [...input.doorStates],
      state_topic: topicOf('doorState', { door }, base),
      value_template: '{{ value_json.state }}',
    },
  ];
}

/** The door itself, as its contact tells. */
function leafComponent(door: string, base: TopicBase, id: string): Component {
  return {
    p: 'binary_sensor',
    unique_id: `${id}_door_${door}_open`,
    name: `Door ${door}`,
    device_class: 'door',
    state_topic: topicOf('doorState', { door }, base),
    value_template: "{{ ('ON' if value_json.open else 'OFF') if value_json.open is boolean else 'None' }}",
  };
}

function sceneComponent(camera: string, scenes: readonly string[], base: TopicBase, id: string): Component {
  return {
    p: 'sensor',
    unique_id: `${id}_camera_${camera}_scene`,
    name: `Camera ${camera} scene`,
    icon: 'mdi:theme-light-dark',
    device_class: 'enum',
    options: [...scenes],
    state_topic: topicOf('sceneState', { camera }, base),
    value_template: '{{ value_json.scene }}',
  };
}

function microphoneComponents(microphone: string, base: TopicBase, id: string): Component[] {
  return [
    {
      p: 'event',
      unique_id: `${id}_microphone_${microphone}_activation`,
      name: `Microphone ${microphone} trigger word`,
      icon: 'mdi:microphone-message',
      state_topic: topicOf('activation', { microphone }, base),
      event_types: ['activation'],
      value_template: eventTemplate(
        "'event_type': 'activation', 'word': value_json.word, 'model': value_json.model, 'score': value_json.score, 'at': value_json.at",
      ),
    },
    healthComponent(microphone, `Microphone ${microphone}`, base, id),
    {
      p: 'sensor',
      unique_id: `${id}_microphone_${microphone}_level`,
      name: `Microphone ${microphone} level`,
      icon: 'mdi:volume-high',
      unit_of_measurement: 'dBFS',
      state_class: 'measurement',
      entity_category: 'diagnostic',
      state_topic: topicOf('health', { component: microphone }, base),
      // A microphone that starts has no level, nor has digital silence: an entity without a number is unknown.
      value_template:
        "{{ value_json.sound.rmsDbfs | round(1) if value_json.sound is defined and value_json.sound.rmsDbfs is number else 'None' }}",
    },
  ];
}

/** Without the identifier: Home Assistant's history would keep it for longer than the box does. */
function visitorComponent(camera: string, base: TopicBase, id: string): Component {
  return {
    p: 'event',
    unique_id: `${id}_camera_${camera}_visitor`,
    name: `Unknown visitor ${camera}`,
    icon: 'mdi:account-question',
    state_topic: topicOf('visitor', { camera }, base),
    event_types: ['first', 'again'],
    value_template: eventTemplate("'event_type': 'first' if value_json.visits == 1 else 'again', 'at': value_json.at"),
  };
}

function healthComponent(component: string, name: string, base: TopicBase, id: string): Component {
  const topic = topicOf('health', { component }, base);
  return {
    p: 'binary_sensor',
    unique_id: `${id}_health_${component}`,
    name: `${name} problem`,
    device_class: 'problem',
    entity_category: 'diagnostic',
    state_topic: topic,
    value_template: "{{ 'OFF' if value_json.state == 'ok' else 'ON' }}",
    json_attributes_topic: topic,
    json_attributes_template:
      "{{ {'state': value_json.state, 'detail': value_json.detail, 'remedy': value_json.remedy} | to_json }}",
  };
}

/** An event entity takes a JSON object with `event_type`; the other keys become its attributes. */
function eventTemplate(entries: string): string {
  return `{{ {${entries}} | to_json }}`;
}
