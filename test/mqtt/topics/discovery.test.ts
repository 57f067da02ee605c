import { discoveryOf, platformsOf, withRemoved } from '../../../src/mqtt/topics/discovery';
import { AlarmPayload, DiscoveryPayload } from '../../../src/mqtt/topics/payloads';
import { BASE, ROOT } from '../harness';

const input = {
  base: BASE,
  version: '0.1.0',
  doors: [{ id: 'main', contact: true }, { id: 'side' }],
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
      'binary_sensor door_main_open',
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

  it('does not call the automaton the door: that is for the contact to say', () => {
    expect(payload.cmps['door_main_state']).toMatchObject({ name: 'Door main state' });
    expect(payload.cmps['door_main_open']).toMatchObject({
      p: 'binary_sensor',
      name: 'Door main',
      device_class: 'door',
      state_topic: `${ROOT}/state/door/main`,
      value_template: "{{ ('ON' if value_json.open else 'OFF') if value_json.open is boolean else 'None' }}",
    });
    expect(payload.cmps['door_side_open']).toBeUndefined();
  });

  it('gives every event its time, and a microphone that starts no level', () => {
    const all = discoveryOf({ ...input, microphones: [{ id: 'desk' }], visitors: true });
    const events = Object.values(all.cmps).filter(({ p }) => p === 'event');
    expect(events.length).toBeGreaterThanOrEqual(8);
    for (const event of events) expect(event['value_template']).toMatch(/'at': value_json\.(at|issuedAt)/);
    // Jinja raises for an attribute of what is not there.
    expect(all.cmps['microphone_desk_level']?.['value_template']).toContain(
      'value_json.sound is defined and value_json.sound.rmsDbfs is number',
    );
  });

  it('takes back what is no longer there, until it returns', () => {
    const before = platformsOf(payload);
    const fewer = discoveryOf({ ...input, doors: [{ id: 'main', contact: true }] });
    const told = withRemoved(fewer, before);
    expect(told.cmps['door_side_state']).toEqual({ p: 'sensor' });
    expect(told.cmps['door_side_unlock']).toEqual({ p: 'event' });
    expect(told.cmps['door_main_state']).toEqual(fewer.cmps['door_main_state']);
    expect(DiscoveryPayload.safeParse(told).success).toBe(true);
    // It stays taken back in the next run, and is there again when the door is.
    expect(withRemoved(fewer, platformsOf(told))).toEqual(told);
    expect(withRemoved(payload, platformsOf(told))).toEqual(payload);
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
