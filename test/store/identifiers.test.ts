import fc from 'fast-check';
import { canonicalIdentifier, IDENTIFIER } from '../../src/identifier';
import { parseLine } from '../../src/readers/lines';
import { SwipePayload } from '../../src/mqtt/topics/payloads';
import { checkMemberId } from '../../src/store/members/member';
import { Store } from '../../src/store/store';
import { BY_DESK, failureOf, templateOf } from './fixtures';
import { withFolder } from './harness';

const SPELLINGS = ['04:A3:5B:1C', '04-A3-5B-1C', '04:a3:5b:1c', '04-a3-5b-1c', '04A35B1C', '04a35b1c'];

const withStore = (work: (store: Store) => void) => () =>
  withFolder((folder) => {
    const store = Store.open(folder);
    try {
      work(store);
    } finally {
      store.close();
    }
  });

/** As an earlier version kept it: under the id as it was typed. */
function openAsBefore(folder: string): Store {
  let opened: Store | undefined;
  jest.isolateModules(() => {
    jest.doMock('../../src/identifier', () => ({
      canonicalIdentifier: (id: string) => id,
      spellingsOf: (id: string) => [id],
      IDENTIFIER,
    }));
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    opened = (require('../../src/store/store') as { Store: typeof Store }).Store.open(folder);
  });
  jest.dontMock('../../src/identifier');
  return opened!;
}

describe('one card, however it is spelt', () => {
  it('has one canonical form', () => {
    expect(SPELLINGS.map(canonicalIdentifier)).toEqual(SPELLINGS.map(() => '04A35B1C'));
    expect(canonicalIdentifier('04:11:22:33:44:55:66')).toBe('04112233445566');
  });

  it.each(['4711', 'member-7', '20-26', 'ABBA', '04:A3-5B:1C', 'a.b_c', 'deadbeefdeadbeef0', '12:34:56:78:9'])(
    'what is no card number stays as it is: %s',
    (id) => expect(canonicalIdentifier(id)).toBe(id),
  );

  it.each(SPELLINGS)('enrolled as %s, found as every reader says it', (id) =>
    withStore((store) => {
      expect(store.members.add({ id, name: 'M' }, [templateOf(1)]).id).toBe('04A35B1C');
      for (const said of SPELLINGS) expect(store.members.findByIdentifier(said)?.member.id).toBe('04A35B1C');
      for (const said of SPELLINGS)
        expect(failureOf(() => store.members.add({ id: said, name: 'N' })).code).toBe('member-exists');
      expect(store.members.update('04:a3:5b:1c', { name: 'New' }).name).toBe('New');
      expect(store.members.remove('04-A3-5B-1C', BY_DESK).deleted.templates).toBe(1);
    })(),
  );

  it(
    'a duress id is one card too',
    withStore((store) => {
      store.members.add({ id: '4711', name: 'M', duressIds: ['04:a3:5b:1c', '04A35B1C'] });
      expect(store.members.get('4711').duressIds).toEqual(['04A35B1C']);
      for (const said of SPELLINGS) expect(store.members.findByIdentifier(said)).toMatchObject({ duress: true });
      expect(failureOf(() => store.members.add({ id: '04-A3-5B-1C', name: 'N' })).code).toBe('member-exists');
      expect(failureOf(() => store.members.update('4711', { duressIds: ['4711'] })).code).toBe('usage');
    }),
  );

  it('members of before keep their id, and are found as before', () =>
    withFolder((folder) => {
      const before = openAsBefore(folder);
      before.members.add({ id: '04a35b1c', name: 'Small' });
      before.members.add({ id: '04-11-22-33', name: 'Dashes' });
      before.close();
      const store = Store.open(folder);
      try {
        for (const said of SPELLINGS) expect(store.members.findByIdentifier(said)?.member.id).toBe('04a35b1c');
        expect(store.members.findByIdentifier('04-11-22-33')?.member.name).toBe('Dashes');
        expect(failureOf(() => store.members.add({ id: '04:A3:5B:1C', name: 'N' })).code).toBe('member-exists');
        expect(store.members.update('04:A3:5B:1C', { status: 'suspended' })).toMatchObject({
          id: '04a35b1c',
          status: 'suspended',
        });
        store.members.remove('04A35B1C', BY_DESK);
        expect(store.receipts.of('04a35b1c')).toHaveLength(1);
      } finally {
        store.close();
      }
    }));

  it('whatever a reader may say, by wire or by MQTT, may be enrolled', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._:-]{1,66}$/), (said) => {
        const byMqtt = SwipePayload.safeParse({ v: 1, id: said, at: 1 }).success;
        expect('identifier' in parseLine(said)).toBe(byMqtt);
        if (byMqtt) expect(checkMemberId(said)).toBe(said);
      }),
    );
  });
});
