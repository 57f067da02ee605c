import { ADAPTION_LIMITS } from '../../../src/access/members/adaption';
import type { EncoderFacts } from '../../../src/access/members/thresholds';
import { UsherError } from '../../../src/errors';
import { DoorSite } from '../../support/door-site';
import { ENCODER, faceAt, SPACE } from '../../support/members';

const OTHER = 'other-1';
/** Of the same length, with thresholds of its own. */
const TRIAL: EncoderFacts = { ...ENCODER, space: OTHER, thresholds: [{ fmr: 1e-4, distance: 0.5 }] };

let site: DoorSite;
afterEach(() => site.remove());

function withAnn(options: ConstructorParameters<typeof DoorSite>[0] = {}): DoorSite {
  const made = new DoorSite(options);
  made.members.store.members.add(
    { id: 'ann', name: 'Ann' },
    [SPACE, OTHER].map((space) => ({ space, vector: faceAt(0), quality: 0.9, source: 'picture' })),
  );
  made.members.roster.load();
  return made;
}

describe('an encoder on trial', () => {
  beforeEach(() => (site = withAnn()));
  const distances = () => site.doors.all.map(({ settings }) => settings.verifyDistance);
  const space = () => site.members.roster.gallery.space;

  test('decides nothing before its first frame; then by its own thresholds, until the other one sees again', () => {
    site.doors.admitEncoder(TRIAL);
    expect([space(), distances()]).toEqual([SPACE, [0.8, 0.8]]);
    expect(site.members.roster.galleryOf(OTHER)?.members).toBe(1);
    site.look(null, { frames: 1, space: OTHER });
    expect([space(), distances()]).toEqual([OTHER, [0.5, 0.5]]);
    site.enter('ann', 0);
    expect([space(), distances()]).toEqual([SPACE, [0.8, 0.8]]);
    expect(site.said()).toEqual(['front granted match ann at 10400']);
  });

  test('that was not admitted changes nothing by its frames', () => {
    site.doors.swipe('r', 'ann');
    site.look(faceAt(0), { space: OTHER });
    expect([space(), site.said()]).toEqual([SPACE, []]);
    expect(site.health.get('models').state).toBe('failed');
    expect(() => site.doors.useEncoder(OTHER)).toThrow(new RangeError(`no encoder of the space ${OTHER} was admitted`));
  });

  test('new thresholds of the encoder that decides count at once', () => {
    site.doors.admitEncoder({ ...ENCODER, thresholds: TRIAL.thresholds });
    expect([space(), distances()]).toEqual([SPACE, [0.5, 0.5]]);
  });

  test('that looks no longer is forgotten, but not the one that decides', () => {
    site.doors.admitEncoder(TRIAL);
    site.doors.dismissEncoder(SPACE);
    site.doors.useEncoder(OTHER);
    site.doors.useEncoder(SPACE);
    expect(space()).toBe(SPACE);
    site.doors.dismissEncoder(OTHER);
    expect(site.members.roster.galleryOf(OTHER)).toBeNull();
    expect(() => site.doors.useEncoder(OTHER)).toThrow(new RangeError(`no encoder of the space ${OTHER} was admitted`));
  });

  test('frames of the same encoder leave the thresholds as they were reckoned', () => {
    const { settings } = site.front;
    site.look(faceAt(0));
    expect(site.front.settings).toBe(settings);
  });
});

test('a scene counts at the doors of its camera; one that is not known is not the lenient one', () => {
  site = withAnn({ door: { scenes: { lit: { targetFmr: 1e-2 }, dark: { targetFmr: 1e-6 } } } });
  const distances = () => site.doors.all.map(({ settings }) => settings.verifyDistance);
  expect(distances()).toEqual([0.6, 0.6]);
  site.doors.scene('cam', 'lit');
  expect(distances()).toEqual([1, 0.6]);
  site.doors.scene('cam', 'dark');
  site.doors.scene('cam2', 'lit');
  expect(distances()).toEqual([0.6, 1]);
  site.doors.scene('cam', 'foggy');
  expect(distances()).toEqual([0.8, 1]);
  site.doors.scene('cam', 'dark');
  site.doors.scene('cam2', null);
  expect(distances()).toEqual([0.6, 0.6]);
});

describe('a face that is kept as a template', () => {
  beforeEach(() => (site = withAnn({ door: { adaptTemplates: true } })));

  test('is the vector that decided, in the space that decides, with how near it was', () => {
    const adapt = jest.spyOn(site.members.roster, 'adapt');
    site.doors.swipe('r', 'ann');
    site.look(faceAt(0, 0.3), { quality: ADAPTION_LIMITS.quality });
    expect(adapt.mock.calls).toEqual([
      [
        'ann',
        { space: SPACE, vector: faceAt(0, 0.3), quality: ADAPTION_LIMITS.quality },
        { door: 'front', distance: expect.closeTo(2 * Math.sin(0.15), 5) as number },
      ],
    ]);
    expect(site.logged('not stored')).toBe(0);
  });

  test('needs a reason not to be', () => {
    const adapt = jest.spyOn(site.members.roster, 'adapt');
    site.doors.swipe('r', 'ann');
    site.look(faceAt(0, 0.3), { quality: ADAPTION_LIMITS.quality - 0.01 });
    expect(site.said()).toEqual(['front granted match ann at 10300']);
    expect(adapt).not.toHaveBeenCalled();
    expect(site.logged('why=quality')).toBe(1);
  });

  test.each<[string, Error, string]>([
    ['the store', new UsherError('store-unavailable', 'the disk is full'), 'failed'],
    ['the template', new UsherError('data-invalid', 'a vector of no length'), 'starting'],
    ['something else', Object.assign(new Error('strange'), { code: 'store-unavailable' }), 'starting'],
  ])('the door is open all the same when it cannot be, for the sake of %s', (_what, failure, state) => {
    jest.spyOn(site.members.roster, 'adapt').mockImplementation(() => {
      throw failure;
    });
    site.enter('ann', 0);
    expect(site.said()).toEqual(['front granted match ann at 10300']);
    expect(site.logged(`the accepted face was not stored: ${failure.message}`)).toBe(1);
    expect(site.health.get('store').state).toBe(state);
    expect(site.front.phase(site.now)).toBe('cooldown');
  });
});
