import type { MemberFields } from '../../../src/store/members/member';
import { Store } from '../../../src/store/store';
import { failureOf } from '../fixtures';
import { withFolder } from '../harness';

const DAY = 86_400_000;
const START = 20_000 * DAY;

const withClock = (work: (store: Store, clock: { now: number }) => void) => () =>
  withFolder((folder) => {
    const clock = { now: START + 5 };
    const store = Store.open(folder, { now: () => clock.now });
    try {
      work(store, clock);
    } finally {
      store.close();
    }
  });

describe('what is said of a member', () => {
  const consent = { textVersion: '2024-1', by: 'desk', at: 7 };

  it(
    'is kept, changed alone, and left alone otherwise',
    withClock((store) => {
      const fields = { groups: ['b', 'a', 'b'], validFrom: 10, validUntil: 20, duressIds: ['z', 'y'], consent };
      const kept = { groups: ['a', 'b'], validFrom: 10, validUntil: 20, duressIds: ['y', 'z'], consent };
      expect(store.members.add({ id: 'm', name: 'M', ...fields })).toMatchObject(kept);
      expect(store.members.update('m', { status: 'suspended' })).toMatchObject({ ...kept, status: 'suspended' });
      expect(store.members.update('m', { validUntil: null })).toMatchObject({ ...kept, validUntil: null });
      expect(store.members.update('m', { groups: [], duressIds: [] })).toMatchObject({
        groups: [],
        duressIds: [],
        consent,
      });
    }),
  );

  it.each<[string, Omit<MemberFields, 'name'>]>([
    ['a group that no rule can name', { groups: ['A b'] }],
    ['too many groups', { groups: Array.from({ length: 33 }, (_, i) => `g${i}`) }],
    ['an end before the beginning', { validFrom: 20, validUntil: 10 }],
    ['no time', { validFrom: NaN }],
    ['a duress id that is none', { duressIds: ['a b'] }],
    ['the own id under duress', { duressIds: ['m'] }],
    ['too many duress ids', { duressIds: Array.from({ length: 9 }, (_, i) => `d${i}`) }],
    ['a consent without text', { consent: { textVersion: ' ', by: 'desk', at: 1 } }],
    ['a consent with two lines', { consent: { textVersion: '1', by: 'a\nb', at: 1 } }],
  ])('is refused with %s', (_, fields) =>
    withClock((store) => {
      expect(failureOf(() => store.members.add({ id: 'm', name: 'M', ...fields })).code).toBe('usage');
      expect(store.members.find('m')).toBeNull();
      store.members.add({ id: 'm', name: 'M' });
      expect(failureOf(() => store.members.update('m', fields)).code).toBe('usage');
      expect(store.members.get('m')).toMatchObject({ groups: [], duressIds: [], validFrom: null, consent: null });
    })(),
  );

  it(
    'refuses an end before the beginning that is there already',
    withClock((store) => {
      store.members.add({ id: 'm', name: 'M', validFrom: 100 });
      expect(failureOf(() => store.members.update('m', { validUntil: 50 })).code).toBe('usage');
    }),
  );
});

describe('an identifier', () => {
  it(
    'means one member, by id or under duress',
    withClock((store) => {
      store.members.add({ id: 'a', name: 'A', duressIds: ['a9'] });
      store.members.add({ id: 'b', name: 'B' });
      expect(store.members.findByIdentifier('a')).toMatchObject({ member: { id: 'a' }, duress: false });
      expect(store.members.findByIdentifier('a9')).toMatchObject({ member: { id: 'a' }, duress: true });
      expect(store.members.findByIdentifier('nobody')).toBeNull();
      for (const act of [
        () => store.members.add({ id: 'a9', name: 'C' }),
        () => store.members.add({ id: 'c', name: 'C', duressIds: ['a9'] }),
        () => store.members.add({ id: 'c', name: 'C', duressIds: ['b'] }),
        () => store.members.update('b', { duressIds: ['a'] }),
        () => store.members.update('b', { duressIds: ['ok', 'a9'] }),
      ])
        expect(failureOf(act).code).toBe('member-exists');
      expect(store.members.get('b').duressIds).toEqual([]);
      store.members.update('a', { duressIds: ['a8'] });
      store.members.update('b', { duressIds: ['a9'] });
      store.members.remove('a', { by: 'desk', reason: 'removed' });
      expect(store.members.findByIdentifier('a8')).toBeNull();
    }),
  );
});

describe('the last grant', () => {
  it(
    'is kept to the day and never goes back',
    withClock((store) => {
      store.members.add({ id: 'm', name: 'M' });
      const seen = (at: number): number | null => {
        store.members.markSeen('m', at);
        return store.members.get('m').lastSeenAt;
      };
      expect(seen(START + 12_345)).toBe(START);
      expect(seen(START + DAY - 1)).toBe(START);
      expect(seen(START - DAY)).toBe(START);
      expect(seen(START + DAY)).toBe(START + DAY);
      store.members.markSeen('nobody', START);
    }),
  );
});
