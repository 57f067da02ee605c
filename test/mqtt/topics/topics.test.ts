import fc from 'fast-check';
import { type TopicKey, TOPICS } from '../../../src/mqtt/topics/topics';
import { discoveryIdOf, filterOf, paramsOf, topicOf } from '../../../src/mqtt/topics/topic-names';
import { BASE, ROOT } from '../harness';

const keys = Object.keys(TOPICS) as TopicKey[];
const id = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/);

describe('the topic map', () => {
  it.each([
    ['status', {}, `${ROOT}/status`],
    ['health', { component: 'hall' }, `${ROOT}/health/hall`],
    ['doorState', { door: 'main' }, `${ROOT}/state/door/main`],
    ['sceneState', { camera: 'hall' }, `${ROOT}/state/scene/hall`],
    ['modelState', { camera: 'hall' }, `${ROOT}/state/model/hall`],
    ['wordsState', { microphone: 'bar' }, `${ROOT}/state/words/bar`],
    ['activation', { microphone: 'bar' }, `${ROOT}/event/bar/activation`],
    ['decision', { door: 'main' }, `${ROOT}/event/main/decision`],
    ['unlock', { door: 'main' }, `${ROOT}/event/main/unlock`],
    ['visitor', { camera: 'hall' }, `${ROOT}/event/hall/visitor`],
    ['swipe', { reader: 'card' }, `${ROOT}/in/card/swipe`],
    ['command', { verb: 'ping' }, `${ROOT}/command/ping`],
    ['commandResult', {}, `${ROOT}/command/result`],
    ['auditHead', {}, `${ROOT}/audit/head`],
    ['updateDesired', {}, `${ROOT}/update/desired`],
    ['updateReported', {}, `${ROOT}/update/reported`],
    ['fleetDesired', { group: 'gyms' }, 'usher/v1/fleet/gyms/update/desired'],
    ['updateData', { group: 'all', file: 'ab12', part: '7' }, 'usher/v1/fleet/all/update/data/ab12/7'],
    ['discovery', {}, 'homeassistant/device/usher_lyon_front/config'],
  ] as const)('%s %j is %s', (key, params, topic) => {
    expect(topicOf(key, params as never, BASE)).toBe(topic);
  });

  it('keeps retained what is state, and nothing else; what is momentary and opens a door is QoS 0', () => {
    const retained = keys.filter((key) => TOPICS[key].delivery === 'state');
    expect(retained.sort()).toEqual([
      'auditHead',
      'discovery',
      'doorState',
      'fleetDesired',
      'health',
      'modelState',
      'sceneState',
      'status',
      'updateData',
      'updateDesired',
      'updateReported',
      'wordsState',
    ]);
    expect(TOPICS.unlock).toMatchObject({ delivery: 'momentary', qos: 0 });
    expect(TOPICS.activation).toMatchObject({ delivery: 'momentary', qos: 0 });
    const inbound = keys.filter((key) => TOPICS[key].direction === 'in');
    expect(inbound.map((key) => `${key} ${TOPICS[key].delivery}`)).toEqual([
      'swipe momentary',
      'contact momentary',
      'command momentary',
      'updateDesired state',
      'fleetDesired state',
      'updateData state',
    ]);
  });

  it('is found again from a topic, whatever the identifiers', () => {
    fc.assert(
      fc.property(id, id, id, (site, device, part) => {
        const base = { site, device, discoveryPrefix: 'homeassistant' };
        expect(paramsOf('swipe', topicOf('swipe', { reader: part }, base), base)).toEqual({ reader: part });
        expect(paramsOf('decision', topicOf('decision', { door: part }, base), base)).toEqual({ door: part });
        expect(paramsOf('unlock', topicOf('decision', { door: part }, base), base)).toBeNull();
      }),
    );
  });

  it('matches no foreign topic and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (topic) => {
        for (const key of keys) expect(paramsOf(key, topic, BASE)).toBeNull();
      }),
    );
  });

  it.each(['a/b', '+', '#', '', 'A', 'a b', '../x', 'ä', 'x'.repeat(64), '-a'])('lets "%s" into no topic', (door) => {
    expect(() => topicOf('unlock', { door }, BASE)).toThrow(RangeError);
    expect(() => topicOf('status', {}, { ...BASE, site: door })).toThrow(RangeError);
  });

  it('subscribes to one device alone', () => {
    expect(filterOf('swipe', BASE)).toBe(`${ROOT}/in/+/swipe`);
    expect(filterOf('command', BASE)).toBe(`${ROOT}/command/+`);
  });

  it('gives two devices two identifiers in Home Assistant', () => {
    const tricky = fc.stringMatching(/^[ab][ab_]{0,5}$/);
    fc.assert(
      fc.property(tricky, tricky, tricky, tricky, (site, device, otherSite, otherDevice) => {
        const one = discoveryIdOf({ ...BASE, site, device });
        const other = discoveryIdOf({ ...BASE, site: otherSite, device: otherDevice });
        expect(one === other).toBe(site === otherSite && device === otherDevice);
        expect(one).toMatch(/^[a-zA-Z0-9_-]+$/);
      }),
      { numRuns: 2000 },
    );
  });

  it('types parameters and payload by key', () => {
    // @ts-expect-error an unlock needs its door
    expect(() => topicOf('unlock', {}, BASE)).toThrow(RangeError);
    // @ts-expect-error a reader is not a door
    expect(() => topicOf('unlock', { reader: 'card' }, BASE)).toThrow(RangeError);
  });
});
