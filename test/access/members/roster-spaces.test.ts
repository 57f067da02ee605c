import { sortTemplates } from '../../../src/access/members/sound-templates';
import type { EncoderFacts } from '../../../src/access/members/thresholds';
import { UsherError } from '../../../src/errors';
import type { StoredTemplate, TemplateSource } from '../../../src/store/members/member';
import { l2Distance } from '../../../src/store/members/vector';
import { ENCODER, faceAt, Members, SPACE } from '../../support/members';

const OTHER = 'other-1';
const TRIAL: EncoderFacts = { ...ENCODER, space: OTHER };

let members: Members;
beforeEach(() => (members = new Members()));
afterEach(() => {
  members.remove();
  jest.restoreAllMocks();
});

const template = (vector: Float32Array, space = SPACE, source: TemplateSource = 'picture') => ({
  ...{ space, vector, quality: 0.9, source },
});

/** In both spaces, as different faces: on the given axis in that of the running encoder, on the next but one in the other. */
function addToBoth(id: string, axis: number): void {
  members.store.members.add({ id, name: id }, [template(faceAt(axis)), template(faceAt(axis + 2), OTHER)]);
  members.roster.load();
}

const recognises = (space: string, vector: Float32Array, distance = 0.1): boolean =>
  members.roster.recognises({ space, vector }, distance);

describe('the members in a further space', () => {
  test('are those who are active, from when it is admitted, and with every change since', () => {
    const { roster } = members;
    addToBoth('ann', 0);
    addToBoth('bob', 3);
    members.store.members.update('bob', { status: 'suspended' });
    expect(roster.galleryOf(OTHER)).toBeNull();
    roster.admit(TRIAL);
    const gallery = roster.galleryOf(OTHER);
    expect([gallery?.members, gallery?.has('bob'), roster.gallery.space]).toEqual([1, false, SPACE]);
    members.store.members.update('bob', { status: 'active' });
    roster.load();
    expect([gallery?.members, gallery?.has('bob')]).toEqual([2, true]);
  });

  test('stay as they are when it is admitted again, that of the running encoder too', () => {
    const { roster } = members;
    roster.admit(TRIAL);
    const other = roster.galleryOf(OTHER);
    roster.admit(TRIAL);
    expect(roster.galleryOf(OTHER)).toBe(other);
    roster.admit(ENCODER);
    expect(roster.galleryOf(SPACE)).toBe(roster.gallery);
    addToBoth('ann', 0);
    expect(roster.size).toBe(1);
  });

  test('are let go with it, but never those of the running encoder', () => {
    const { roster } = members;
    addToBoth('ann', 0);
    roster.admit(TRIAL);
    roster.dismiss(OTHER);
    roster.dismiss(SPACE);
    expect(roster.galleryOf(OTHER)).toBeNull();
    expect(roster.galleryOf(SPACE)).toBe(roster.gallery);
  });

  test('have no say in the faults, and none in who is suspended, before their encoder decides', () => {
    const { roster } = members;
    members.store.members.add({ id: 'cid', name: 'Cid' }, [
      template(faceAt(5)),
      template(
        faceAt(5).map((value) => value / 10),
        OTHER,
      ),
    ]);
    addToBoth('bob', 0);
    members.store.members.update('bob', { status: 'suspended' });
    roster.admit(TRIAL);
    roster.load();
    expect([roster.faults, recognises(SPACE, faceAt(0)), recognises(SPACE, faceAt(2))]).toEqual([[], true, false]);
    roster.use(OTHER);
    expect(roster.faults).toEqual([{ member: 'cid', fault: expect.stringContaining('length 0.100') as string }]);
    expect([recognises(OTHER, faceAt(2)), recognises(OTHER, faceAt(0)), roster.encoder]).toEqual([true, false, TRIAL]);
  });

  test('cannot decide unless they were admitted', () => {
    expect(() => members.roster.use(OTHER)).toThrow(new RangeError(`no members in the space ${OTHER} were loaded`));
    expect(members.roster.gallery.space).toBe(SPACE);
  });

  test('are counted among those whom nobody can recognise there: by what can be used where it is loaded, else by what is stored', () => {
    addToBoth('ann', 0);
    members.store.members.add({ id: 'odd', name: 'Odd' }, [
      template(faceAt(2).map((value) => value / 10)),
      template(faceAt(2), OTHER),
    ]);
    members.add('eve');
    const { roster } = members;
    expect([roster.withoutTemplate(), roster.withoutTemplate(OTHER), roster.withoutTemplate('third')]).toEqual([
      2, 1, 3,
    ]);
  });
});

describe('reading again', () => {
  test('is counted, and done only where it is needed', () => {
    const { roster } = members;
    const before = roster.loads;
    roster.load();
    expect(roster.loads).toBe(before + 1);
    roster.use(SPACE);
    expect(roster.refresh()).toBe(false);
    expect(roster.loads).toBe(before + 1);
    roster.admit(TRIAL);
    roster.use(OTHER);
    expect(roster.loads).toBe(before + 2);
  });

  test('does not search the whole store for rows of nobody, unless some were found', () => {
    members.add('ann', faceAt(0));
    const orphans = jest.spyOn(members.store.check, 'orphans');
    members.roster.load();
    expect(orphans).toHaveBeenCalledTimes(0);
    members.change("UPDATE templates SET member = 'ghost'");
    members.roster.inspect();
    members.roster.load();
    expect(orphans).toHaveBeenCalledTimes(2);
  });

  test('is refused while the journal contradicts the members', () => {
    jest.spyOn(members.store, 'requireAgreed').mockImplementation(() => {
      throw new UsherError('store-unavailable', 'older than the journal');
    });
    members.change("UPDATE members SET status = 'suspended'");
    const { loads } = members.roster;
    expect(() => members.roster.refresh()).toThrow('older than the journal');
    expect(members.roster.loads).toBe(loads);
  });
});

describe('who is no stranger', () => {
  test('nobody, where there are no members', () => {
    expect(recognises(SPACE, faceAt(0), 2)).toBe(false);
  });

  test('a member, active or suspended, up to the very distance', () => {
    members.add('ann', faceAt(0));
    members.add('bob', faceAt(3));
    members.store.members.update('bob', { status: 'suspended' });
    members.roster.load();
    for (const axis of [0, 3]) {
      const query = faceAt(axis, 0.3);
      const distance = l2Distance(query, faceAt(axis));
      expect(recognises(SPACE, query, distance + 1e-6)).toBe(true);
      expect(recognises(SPACE, query, distance - 1e-6)).toBe(false);
    }
    const query = faceAt(0, 0.3);
    const exact = members.roster.gallery.search({ space: SPACE, vector: query }, 1)[0]!.distance;
    expect(recognises(SPACE, query, exact)).toBe(true);
    expect(recognises(SPACE, faceAt(6), 1)).toBe(false);
  });
});

test('a template that made room for another makes nobody known any more', () => {
  members.add('ann', faceAt(0));
  const keep = (radians: number): void =>
    members.roster.adapt('ann', template(faceAt(0, radians)), { door: 'front', distance: 0.1 });
  keep(0.1);
  members.roster.load();
  expect(recognises(SPACE, faceAt(0, 0.1), 0.05)).toBe(true);
  for (const radians of [0.2, 0.3, 0.4]) keep(radians);
  expect(recognises(SPACE, faceAt(0, 0.1), 0.05)).toBe(false);
});

test('a member who is deleted while the card is looked up is refused', () => {
  members.add('ann', faceAt(0));
  jest.spyOn(members.store.members, 'find').mockReturnValueOnce(null);
  expect(members.roster.standingOf('ann')).toMatchObject({
    kind: 'refused',
    member: 'ann',
    reason: 'member-suspended',
  });
});

describe('what speaks for a new template', () => {
  test('is a picture in the same space, however near one of another space is', () => {
    members.store.members.add({ id: 'ann', name: 'Ann' }, [template(faceAt(0)), template(faceAt(0, 0.5), OTHER)]);
    members.roster.load();
    const seen = faceAt(0, 0.5);
    const { frame } = members.roster.adaptionFacts('ann', { embedding: seen, fused: seen }, 0);
    expect(frame).toEqual({ enrolled: expect.closeTo(2 * Math.sin(0.25), 5) as number, others: Infinity });
  });

  test('and against it, one that was taken within the 24 hours before', () => {
    members.add('ann', faceAt(0));
    const [taken] = members.store.templates.add('ann', [template(faceAt(0, 0.1), SPACE, 'adapted')]);
    const today = (ms: number): number =>
      members.roster.adaptionFacts('ann', { embedding: faceAt(0), fused: faceAt(0) }, taken!.createdAt + ms).today;
    expect([today(0), today(86_399_999), today(86_400_000)]).toEqual([1, 1, 0]);
  });
});

describe('an adapted template', () => {
  const stored = (id: number, vector: Float32Array, source: TemplateSource): StoredTemplate => ({
    ...{ id, member: 'ann', space: SPACE, vector, quality: 0.9, source, createdAt: 0 },
  });
  const sound = (all: readonly StoredTemplate[], encoder = ENCODER): number[] =>
    sortTemplates(all, encoder).sound.map(({ id }) => id);

  test('may be like any of the pictures', () => {
    const pictures = [stored(1, faceAt(0), 'picture'), stored(2, faceAt(2), 'camera'), stored(3, faceAt(4), 'picture')];
    for (const axis of [0, 2, 4]) expect(sound([...pictures, stored(4, faceAt(axis), 'adapted')])).toContain(4);
    expect(sound([...pictures, stored(4, faceAt(6), 'adapted')])).toEqual([1, 2, 3]);
  });

  test('is sound up to the very strict distance', () => {
    const all = [stored(1, faceAt(0), 'picture'), stored(2, faceAt(0, 0.5), 'adapted')];
    const distance = l2Distance(faceAt(0, 0.5), faceAt(0));
    const encoder = (limit: number): EncoderFacts => ({ ...ENCODER, thresholds: [{ fmr: 1e-4, distance: limit }] });
    expect(sound(all, encoder(distance))).toEqual([1, 2]);
    expect(sound(all, encoder(distance - 1e-9))).toEqual([1]);
  });

  test('has no anchor in a picture that cannot be used itself', () => {
    const half = faceAt(0).map((value) => value / 2);
    expect(sound([stored(1, half, 'picture'), stored(2, faceAt(0), 'adapted')])).toEqual([]);
  });

  test('alone needs the thresholds: pictures are usable without', () => {
    const encoder = { ...ENCODER, thresholds: [] };
    expect(sound([stored(1, faceAt(0), 'picture')], encoder)).toEqual([1]);
    expect(() => sound([stored(1, faceAt(0), 'adapted')], encoder)).toThrow(
      expect.objectContaining({ code: 'model-invalid' }) as Error,
    );
  });
});
