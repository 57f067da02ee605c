import { discoveryOf } from '../../src/mqtt/discovery';
import { AlarmPayload, DiscoveryPayload } from '../../src/mqtt/payloads';
import { BASE, ROOT } from './harness';

const input = {
  base: BASE,
  version: '0.1.0',
  doors: [{ id: 'main' }, { id: 'side' }],
  cameras: [{ id: 'hall' }],
  doorStates: ['idle', 'watching'],
  components: ['store'],
};

describe('discoveryOf', () => {
  const payload = discoveryOf(input);

  it('describes the box once, with its availability from the status topic', () => {
    expect(DiscoveryPayload.safeParse(payload).success).toBe(true);
    expect(payload.dev).toMatchObject({ ids: ['usher_lyon_front'], sw: '0.1.0' });
    expect(payload.o).toMatchObject({ name: 'usher' });
    expect(payload['availability']).toEqual([
      {
        topic: `${ROOT}/status`,
        value_template: '{{ value_json.state }}',
        payload_available: 'online',
        payload_not_available: 'offline',
      },
    ]);
  });

  it('makes events of what is momentary, and gives every entity an identifier of its own', () => {
    const entities = Object.entries(payload.cmps);
    expect(entities.map(([key, { p }]) => `${p} ${key}`)).toEqual([
      'event door_main_decision',
      'event door_main_unlock',
      'event door_main_alarm',
      'sensor door_main_state',
      'event door_side_decision',
      'event door_side_unlock',
      'event door_side_alarm',
      'sensor door_side_state',
      'binary_sensor health_hall',
      'binary_sensor health_store',
    ]);
    expect(new Set(entities.map(([, entity]) => entity.unique_id)).size).toBe(entities.length);
    for (const [, entity] of entities)
      if (entity.p === 'event') {
        expect(entity['event_types']).not.toHaveLength(0);
        expect(entity['value_template']).toContain("'event_type'");
        expect(entity['state_topic']).toMatch(/\/event\//);
      }
    expect(payload.cmps['door_main_state']).toMatchObject({ device_class: 'enum', options: ['idle', 'watching'] });
    expect(payload.cmps['health_hall']).toMatchObject({
      device_class: 'problem',
      state_topic: `${ROOT}/health/hall`,
      entity_category: 'diagnostic',
    });
  });

  it('shows every alarm but the silent one', () => {
    const alarm = payload.cmps['door_main_alarm'];
    const kinds = AlarmPayload.shape.kind.options;
    expect(alarm?.['event_types']).toEqual(kinds.filter((kind) => kind !== 'duress'));
    expect(alarm?.['value_template']).toContain("if value_json.kind != 'duress'");
  });

  it('tells Home Assistant nothing about a member', () => {
    expect(JSON.stringify(payload)).not.toMatch(/member|distance|vector/);
  });
});
