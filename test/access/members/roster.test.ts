import fc from 'fast-check';
import { Store } from '../../../src/store/store';
import { DIMENSIONS, faceAt, Members, SPACE } from '../../support/members';

let members: Members;
beforeEach(() => (members = new Members()));
afterEach(() => members.remove());

const template = (vector: Float32Array, space = SPACE, source: 'picture' | 'adapted' = 'picture') => ({
  ...{ space, vector, quality: 0.9, source },
});
const nearest = (vector: Float32Array) => members.roster.gallery.search({ space: SPACE, vector }, 1)[0]?.member;

test('active members with a template of the running space can be recognised, and no others', () => {
  members.add('ann', faceAt(0), faceAt(0, 0.2));
  members.add('bob', faceAt(2));
  members.add('eve');
  members.store.members.add({ id: 'old', name: 'Old' }, [template(faceAt(4), 'other-1')]);
  members.store.members.update('bob', { status: 'suspended' });
  members.roster.load();
  const { roster } = members;
  expect([roster.size, roster.gallery.size, roster.withoutTemplate()]).toEqual([1, 2, 2]);
  expect(nearest(faceAt(2))).toBe('ann');
});

test('what a card says is answered from the store as it is at that moment', () => {
  members.add('ann', faceAt(0));
  members.add('eve');
  const standing = (id: string) => members.roster.standingOf(id);
  expect(standing('ann')).toMatchObject({ kind: 'active', member: 'ann' });
  expect(standing('eve')).toMatchObject({ kind: 'refused', member: 'eve', reason: 'no-template' });
  expect(standing('nobody')).toMatchObject({ kind: 'refused', member: null, reason: 'unknown-member' });
  expect(standing('ANN')).toMatchObject({ kind: 'refused', reason: 'unknown-member' });
  members.store.members.update('ann', { status: 'suspended' });
  expect(standing('ann')).toMatchObject({ kind: 'refused', member: 'ann', reason: 'member-suspended' });
});

test('any identifier has an answer and changes nothing', () => {
  members.add('ann', faceAt(0));
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (id) => {
      fc.pre(id !== 'ann');
      expect(members.roster.standingOf(id)).toMatchObject({ kind: 'refused', reason: 'unknown-member' });
    }),
  );
  expect(members.roster.size).toBe(1);
});

test('what another process enrols, suspends and deletes is seen at the next look, and only then is it read again', () => {
  members.add('ann', faceAt(0));
  expect(members.roster.refresh()).toBe(false);
  const other = Store.open(members.dir);
  other.members.add({ id: 'bob', name: 'Bob' }, [template(faceAt(2))]);
  expect([members.roster.refresh(), members.roster.refresh(), members.roster.size]).toEqual([true, false, 2]);
  other.members.update('bob', { status: 'suspended' });
  expect([members.roster.refresh(), members.roster.size]).toEqual([true, 1]);
  other.close();
});

const RECORD = { door: 'front', distance: 0.1 };

test('accepted frames are kept as templates, three at most, the oldest making room; pictures stay', () => {
  members.add('ann', faceAt(0));
  for (const radians of [0.1, 0.2, 0.3, 0.4]) members.roster.adapt('ann', template(faceAt(0, radians)), RECORD);
  const kept = members.store.templates.list('ann');
  expect(kept.map(({ source }) => source)).toEqual(['picture', 'adapted', 'adapted', 'adapted']);
  const angles = kept.map(({ vector }) => Math.atan2(vector[1]!, vector[0]!).toFixed(1));
  expect(angles).toEqual(['0.0', '0.2', '0.3', '0.4']);
  expect(members.roster.gallery.size).toBe(4);
});

test('a face kept for somebody who was suspended meanwhile does not bring them back', () => {
  members.add('ann', faceAt(0));
  members.store.members.update('ann', { status: 'suspended' });
  members.roster.load();
  members.roster.adapt('ann', template(faceAt(0, 0.1)), RECORD);
  expect([members.roster.size, members.roster.gallery.size]).toEqual([0, 0]);
});

test('an adapted template that is near to no enrolled one recognises nobody, wherever it came from', () => {
  members.add('ann', faceAt(0));
  members.store.templates.add('ann', [
    template(faceAt(0, 0.7), SPACE, 'adapted'),
    template(faceAt(0, 1.4), SPACE, 'adapted'),
    template(faceAt(4), SPACE, 'adapted'),
  ]);
  members.store.members.add({ id: 'bob', name: 'Bob' }, [template(faceAt(6), SPACE, 'adapted')]);
  members.roster.load();
  expect([members.roster.gallery.size, members.roster.size]).toEqual([2, 1]);
  expect(members.roster.standingOf('bob')).toMatchObject({ kind: 'refused', reason: 'no-template' });
});

test('what speaks for a new template: near to enrolled pictures alone, far from others, suspended ones too', () => {
  members.add('ann', faceAt(0));
  members.add('bob', faceAt(2));
  members.add('cid', faceAt(0, 1));
  members.store.members.update('cid', { status: 'suspended' });
  members.store.templates.add('ann', [template(faceAt(0, 0.5), SPACE, 'adapted')]);
  members.roster.load();
  const seen = faceAt(0, 0.5);
  const facts = (now: number) => members.roster.adaptionFacts('ann', { embedding: seen, fused: faceAt(2) }, now);
  const { frame, fused, today } = facts(Date.now());
  expect(frame.enrolled).toBeCloseTo(2 * Math.sin(0.25), 4);
  expect(frame.others).toBeCloseTo(2 * Math.sin(0.25), 4);
  expect(fused.enrolled).toBeCloseTo(Math.SQRT2, 4);
  expect(fused.others).toBeCloseTo(0, 4);
  expect(today).toBe(1);
  expect(facts(Date.now() + 86_400_001).today).toBe(0);
  // A clock that was ahead when it was taken, and is right again.
  expect(facts(Date.now() - 1e10).today).toBe(1);
});

test.each<[string, Float32Array, RegExp]>([
  ['of another length', new Float32Array(DIMENSIONS + 1).fill(1 / 3), /template 2: it has 9 dimensions instead of 8/],
  ['not of length 1', faceAt(2).map((value) => value / 10), /template 2: it has length 0\.100 instead of 1/],
])('a template %s is its member’s trouble alone', (_what, vector, fault) => {
  members.add('ann', faceAt(0));
  members.store.members.add({ id: 'odd', name: 'Odd One' }, [template(vector)]);
  members.roster.load();
  expect([members.roster.size, nearest(faceAt(0))]).toEqual([1, 'ann']);
  expect(members.roster.faults).toEqual([{ member: 'odd', fault: expect.stringMatching(fault) as string }]);
  expect(members.roster.standingOf('odd')).toMatchObject({ kind: 'refused', reason: 'no-template' });
  members.store.templates.replace('odd', [template(faceAt(2))]);
  members.roster.load();
  expect([members.roster.faults, members.roster.size]).toEqual([[], 2]);
});

test('a member who cannot be read is refused by name, whichever way he comes, until he is mended', () => {
  members.add('ann', faceAt(0));
  members.store.members.add({ id: 'bob', name: 'Bob', duressIds: ['911'] }, [template(faceAt(2))]);
  members.roster.load();
  const profile = members.change("SELECT profile FROM members WHERE id = 'bob'")?.['profile'] as Uint8Array;
  members.change("UPDATE members SET profile = x'00' WHERE id = 'bob'");
  const { roster } = members;
  expect(roster.faults).toEqual([]);
  expect(roster.standingOf('bob')).toMatchObject({ kind: 'refused', member: 'bob', reason: 'member-damaged' });
  expect(roster.standingOf('911')).toMatchObject({ member: 'bob', reason: 'member-damaged', duress: true });
  expect(roster.rightsOf('bob')).toBe('damaged');
  expect(roster.rightsOf('ann')).toMatchObject({ id: 'ann' });
  expect(roster.faults).toMatchObject([{ member: 'bob' }]);
  expect(JSON.stringify(roster.faults)).not.toContain('Bob');
  members.change("UPDATE members SET profile = ? WHERE id = 'bob'", profile);
  roster.load();
  expect([roster.faults, roster.standingOf('bob').kind]).toEqual([[], 'active']);
});

test('inspecting finds a damaged member before anybody swipes', () => {
  members.add('ann', faceAt(0));
  members.add('bob', faceAt(2));
  members.change("DELETE FROM member_keys WHERE member = 'bob'");
  members.roster.load();
  members.roster.inspect();
  expect(new Set(members.roster.faults.map(({ member }) => member))).toEqual(new Set(['bob']));
  expect(members.roster.standingOf('bob')).toMatchObject({ reason: 'member-damaged' });
});

test('rows of a member who is not there are named by inspection, until they are gone', () => {
  members.add('ann', faceAt(0));
  members.change("UPDATE templates SET member = 'ghost'");
  members.roster.inspect();
  expect(members.roster.faults).toEqual([{ member: 'ghost', fault: '1 rows of templates belong to no member' }]);
  members.store.check.removeOrphans();
  members.roster.load();
  expect(members.roster.faults).toEqual([]);
});

test('rights come from the store as it is; unreadable is neither yes nor no', () => {
  members.add('ann', faceAt(0));
  expect(members.roster.rightsOf('ann')).toMatchObject({ id: 'ann', groups: [] });
  members.store.members.update('ann', { status: 'suspended' });
  expect(members.roster.rightsOf('ann')).toBeNull();
  expect(members.roster.rightsOf('nobody')).toBeNull();
  const closed = new Members();
  closed.add('ann', faceAt(0));
  closed.store.close();
  expect(closed.roster.rightsOf('ann')).toBe('unreadable');
  expect(() => closed.roster.standingOf('ann')).toThrow(
    expect.objectContaining({ code: 'store-unavailable' }) as Error,
  );
  closed.remove();
});
