import type { Config } from '../../config/schema/schema';
import { paramsOf, type TopicBase, topicOf } from '../../mqtt/topics/topic-names';
import type { ExtraModels } from '../cameras/camera-models';
import { COMPONENTS } from '../health/health';

/** Components with a health topic, other than cameras and microphones. */
export function componentsOf({ wyoming, stills, readers, contacts }: Config): string[] {
  return [
    ...COMPONENTS,
    ...(wyoming === null ? [] : ['wyoming']),
    ...(stills === null ? [] : ['stills']),
    ...readers.filter(({ source }) => source.type !== 'mqtt').map(({ id }) => `reader-${id}`),
    ...contacts.filter(({ source }) => source.type !== 'mqtt').map(({ door }) => `contact-${door}`),
  ];
}

/** Whether the box, as configured, retains a message on this topic. `actuator-{door}` publishes its own health. */
export function isTopicOf(config: Config, extra: ExtraModels): (topic: string) => boolean {
  const { device, mqtt, doors, cameras, microphones, readers, contacts } = config;
  const base: TopicBase = { site: device.site, device: device.id, discoveryPrefix: mqtt.discoveryPrefix };
  const doorIds = new Set(doors.map(({ id }) => id));
  const cameraIds = new Set(cameras.map(({ id }) => id));
  const scenes = new Set(cameras.filter(({ id }) => (extra.of.get(id)?.scene ?? null) !== null).map(({ id }) => id));
  const microphoneIds = new Set(microphones.map(({ id }) => id));
  const components = new Set([
    ...componentsOf(config),
    ...cameraIds,
    ...microphoneIds,
    ...[...readers.map(({ id }) => id), ...doors.flatMap((door) => door.readers)].map((id) => `reader-${id}`),
    ...[...doorIds, ...contacts.map(({ door }) => door)].map((door) => `contact-${door}`),
    ...[...doorIds].map((door) => `actuator-${door}`),
  ]);
  return (topic) => {
    if (topic === topicOf('discovery', {}, base)) return mqtt.discovery;
    if (topic === topicOf('status', {}, base) || topic === topicOf('auditHead', {}, base)) return true;
    if (topic === topicOf('updateReported', {}, base)) return config.fleet.root !== null;
    const component = paramsOf('health', topic, base)?.component;
    if (component !== undefined) return components.has(component);
    const door = paramsOf('doorState', topic, base)?.door;
    if (door !== undefined) return doorIds.has(door);
    const scene = paramsOf('sceneState', topic, base)?.camera;
    if (scene !== undefined) return scenes.has(scene);
    const model = paramsOf('modelState', topic, base)?.camera;
    if (model !== undefined) return cameraIds.has(model);
    const words = paramsOf('wordsState', topic, base)?.microphone;
    return words !== undefined && microphoneIds.has(words);
  };
}
