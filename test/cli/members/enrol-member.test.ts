import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EnrolmentPicture } from '../../../src/access/members/enrolment';
import { checkEnrolRequest, enrolMember, type EnrolRequest } from '../../../src/cli/members/enrol-member';
import { UsherError } from '../../../src/errors';
import { Store } from '../../../src/store/store';

const ENCODER = {
  normalise: false,
  space: 'test.space',
  dimensions: 2,
  table: [
    { fmr: 1e-3, distance: 0.6 },
    { fmr: 1e-4, distance: 0.5 },
  ],
};

const QUALITY = {
  interocularPx: 60,
  sharpness: 0.1,
  brightness: 120,
  contrast: 40,
  yaw: 0,
  pitch: 0,
  rollDeg: 0,
  score: 0.5,
};

const picture = (name: string, x: number, y: number): EnrolmentPicture => ({
  name,
  faces: [{ quality: QUALITY, refusal: null, embedding: Float32Array.of(x, y) }],
});

const request = (id: string, more: Partial<EnrolRequest> = {}): EnrolRequest => ({
  id,
  name: `Name of ${id}`,
  force: false,
  replace: false,
  source: 'picture',
  consent: { textVersion: '1', by: 'desk', at: 1000 },
  consentRule: { required: true, textVersion: null },
  ...more,
});

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-enrol-'));
  store = Store.open(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const failure = (act: () => unknown): UsherError => {
  try {
    act();
  } catch (error) {
    if (error instanceof UsherError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('enrolMember', () => {
  it('writes the member with one template for each accepted picture', () => {
    const enrolled = enrolMember(
      store,
      request('a'),
      [picture('1.jpg', 1, 0), { name: '2.jpg', unreadable: 'is truncated' }, picture('3.jpg', 0.9, 0.1)],
      ENCODER,
    );
    expect(enrolled.member).toMatchObject({ id: 'a', name: 'Name of a', status: 'active' });
    expect(store.templates.list('a')).toMatchObject([
      { space: 'test.space', vector: Float32Array.of(1, 0), quality: 0.5, source: 'picture' },
      { vector: Float32Array.of(0.9, 0.1) },
    ]);
  });

  it('writes nothing when no picture is left, and says why for each', () => {
    const error = failure(() =>
      enrolMember(
        store,
        request('a'),
        [{ name: '1.jpg', faces: [] }, picture('2.jpg', 1, 0), picture('3.jpg', -1, 0)],
        ENCODER,
      ),
    );
    expect(error.code).toBe('face-unsuitable');
    expect(error.message).toMatch(/1\.jpg: refused, no face.*\n.*2\.jpg: refused, not the same person as 3\.jpg/);
    expect(store.members.list()).toEqual([]);
  });

  it('stops at someone who is probably enrolled already, names that member, and goes on by force', () => {
    enrolMember(store, request('a'), [picture('a.jpg', 1, 0)], ENCODER);
    const error = failure(() => enrolMember(store, request('b'), [picture('b.jpg', 1, 0.25)], ENCODER));
    expect(error.code).toBe('face-unsuitable');
    expect(error.message).toContain('b.jpg is very similar to member a (Name of a)');
    expect(store.members.find('b')).toBeNull();
    expect(error.message).toContain('distance 0.250');
    const forced = enrolMember(store, request('b', { force: true }), [picture('b.jpg', 1, 0.25)], ENCODER);
    expect(forced.lookalike).toMatchObject({ member: 'a', distance: 0.25 });
    expect(store.templates.list('b')).toHaveLength(1);
  });

  it('tells of a lookalike, and goes on', () => {
    for (let i = 1; i <= 20; i += 1) enrolMember(store, request(`a${i}`), [picture('a.jpg', i * 2, 0)], ENCODER);
    const { lookalike } = enrolMember(store, request('b'), [picture('b.jpg', 2, 0.49)], ENCODER);
    expect(lookalike).toMatchObject({ member: 'a1', duplicate: false });
    expect(store.members.find('b')).not.toBeNull();
  });

  it('enrols again only when asked to, keeping name and status if none is given', () => {
    enrolMember(store, request('a'), [picture('a.jpg', 1, 0), picture('b.jpg', 1, 0.1)], ENCODER);
    store.members.update('a', { status: 'suspended' });
    expect(failure(() => checkEnrolRequest(store, request('a'))).code).toBe('member-exists');
    expect(failure(() => enrolMember(store, request('a'), [picture('c.jpg', 1, 0)], ENCODER)).code).toBe(
      'member-exists',
    );

    const again = request('a', { replace: true, name: undefined, source: 'camera' });
    const { member } = enrolMember(store, again, [picture('c.jpg', 0, 1)], ENCODER);
    expect(member).toMatchObject({ name: 'Name of a', status: 'suspended' });
    expect(store.templates.list('a')).toMatchObject([{ vector: Float32Array.of(0, 1), source: 'camera' }]);
    expect(enrolMember(store, { ...again, name: 'New' }, [picture('c.jpg', 0, 1)], ENCODER).member.name).toBe('New');
  });

  it('wants a name for someone new, and an id that topics and files can carry', () => {
    expect(failure(() => checkEnrolRequest(store, request('a', { name: undefined }))).code).toBe('usage');
    expect(failure(() => checkEnrolRequest(store, request('a', { name: undefined, replace: true }))).code).toBe(
      'usage',
    );
    expect(failure(() => checkEnrolRequest(store, request('a/b'))).code).toBe('usage');
  });
});
