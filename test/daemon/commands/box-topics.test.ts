import { announceBox } from '../../../src/daemon/commands/box-commands';
import { isTopicOf } from '../../../src/daemon/commands/box-topics';
import type { ExtraModels } from '../../../src/daemon/cameras/camera-models';
import { type Config, ConfigSchema } from '../../../src/config/schema/schema';
import { DiscoveryPayload } from '../../../src/mqtt/topics/payloads';

const EXTRA = { of: new Map(), missing: [] } as unknown as ExtraModels;
const configOf = (change: object = {}): Config =>
  ConfigSchema.parse({
    device: { site: 'gym', id: 'box' },
    cameras: [{ id: 'hall', source: { type: 'folder', path: 'stills' } }],
    doors: [{ id: 'front', camera: 'hall', readers: ['card'] }],
    ...change,
  });

test('which topics are those of the box as it is configured', () => {
  const belongs = isTopicOf(configOf(), EXTRA);
  const root = 'usher/v1/gym/box';
  for (const topic of [
    'status',
    'audit/head',
    'health/store',
    'health/broker',
    'health/hall',
    'health/actuator-front',
    'health/contact-front',
    'health/reader-card',
    'state/door/front',
    'state/model/hall',
  ])
    expect([topic, belongs(`${root}/${topic}`)]).toEqual([topic, true]);
  for (const topic of [
    'health/yard',
    'health/actuator-back',
    'health/wyoming',
    'state/door/back',
    'state/model/yard',
    'state/scene/hall',
    'state/words/desk',
    'update/reported',
  ])
    expect([topic, belongs(`${root}/${topic}`)]).toEqual([topic, false]);
  expect(belongs('usher/v1/gym/other/status')).toBe(false);
  expect(belongs('homeassistant/device/usher_gym_box/config')).toBe(true);
  expect(isTopicOf(configOf({ mqtt: { discovery: false } }), EXTRA)('homeassistant/device/usher_gym_box/config')).toBe(
    false,
  );
});

test('Home Assistant is told what is gone, and loses the box where discovery is off', () => {
  let known: Readonly<Record<string, string>> = {};
  let said: DiscoveryPayload | null = null;
  const announce = (config: Config): void => {
    said = null;
    const mqtt = {
      publish: (_key: string, _params: object, payload: unknown) => {
        said = DiscoveryPayload.parse(payload);
        return 'sent' as const;
      },
      clear: () => 'sent' as const,
    };
    const memory = {
      components: known,
      rememberComponents: (components: Readonly<Record<string, string>>) => (known = components),
    };
    announceBox(mqtt, config, EXTRA, memory);
  };
  announce(configOf());
  expect(Object.keys(known)).toContain('door_front_unlock');
  announce(configOf({ doors: [{ id: 'main', camera: 'hall', readers: ['card'] }] }));
  expect((said as unknown as DiscoveryPayload).cmps['door_front_unlock']).toEqual({ p: 'event' });
  announce(configOf({ mqtt: { discovery: false } }));
  expect(said).toBeNull();
  expect(known).toEqual({});
});
