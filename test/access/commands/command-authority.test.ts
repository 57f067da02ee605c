import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { CommandAuthority } from '../../../src/access/commands/command-authority';
import {
  COMMAND_AHEAD_MS,
  COMMAND_LIFE_MS,
  CommandLedger,
  type LedgerStore,
} from '../../../src/access/commands/command-ledger';
import { trustedKey } from '../../../src/access/keys/device-key';
import { ledgerIn } from '../../../src/access/door/persisted';
import { commandKey, signCommand } from '../../../src/access/commands/sign-command';
import { Store } from '../../../src/store/store';

const NOW = 1_800_000_000_000;
const SCOPE = { site: 'gym', device: 'entrance-1' };
const newKey = () =>
  commandKey(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
const SITE = newKey();
const FLEET = newKey();
const STRANGER = newKey();

class MemoryLedger implements LedgerStore {
  text: string | null = null;
  broken = false;
  load(): string | null {
    return this.text;
  }
  save(text: string): void {
    if (this.broken) throw new Error('disk full');
    this.text = text;
  }
}

type Payload = Record<string, unknown>;
const command = (
  verb = 'member-revoke',
  { key = SITE, scope = SCOPE, issuedAt = NOW, lifeMs = 60_000, args = { member: '4711' } } = {},
): Payload => signCommand(key, scope, verb, { id: 'c1', args }, { issuedAt, lifeMs });

function make(store: LedgerStore = new MemoryLedger(), capacity?: number) {
  const clock = { time: NOW, trouble: null as string | null };
  const keys = [SITE, FLEET].map(({ publicKeyPem }) => trustedKey(publicKeyPem));
  const authority = new CommandAuthority(SCOPE, keys, new CommandLedger(store, capacity), {
    now: () => clock.time,
    doubt: () => clock.trouble,
  });
  const reasonOf = (payload: Payload, verb = 'member-revoke'): string =>
    authority.admit(verb, payload)?.reason ?? 'admitted';
  return { clock, reasonOf };
}

describe('a signed command', () => {
  const without = (name: string): Payload =>
    Object.fromEntries(Object.entries(command()).filter(([key]) => key !== name));
  test.each<[attack: string, payload: Payload, reason: string]>([
    ['an honest one', command(), 'admitted'],
    ['of the fleet’s key', command('member-revoke', { key: FLEET }), 'admitted'],
    ['at the end of its life', command('member-revoke', { issuedAt: NOW - 60_000 }), 'admitted'],
    ['of a clock a little ahead', command('member-revoke', { issuedAt: NOW + COMMAND_AHEAD_MS }), 'admitted'],
    ['of the longest life', command('member-revoke', { lifeMs: COMMAND_LIFE_MS }), 'admitted'],
    ['no signature at all', { v: 1, id: 'c1', member: '4711' }, 'unsigned'],
    ['without its nonce', without('nonce'), 'unsigned'],
    ['without its end', without('notAfter'), 'unsigned'],
    ['a signature of zeros', { ...command(), sig: '0'.repeat(128) }, 'bad-signature'],
    ['half a signature', { ...command(), sig: '0'.repeat(64) }, 'unsigned'],
    ['a stranger’s', command('member-revoke', { key: STRANGER }), 'unknown-key'],
    [
      'a stranger’s, under a trusted name',
      { ...command('member-revoke', { key: STRANGER }), key: SITE.keyId },
      'bad-signature',
    ],
    ['the site’s, under the fleet’s name', { ...command(), key: FLEET.keyId }, 'bad-signature'],
    ['another member', { ...command(), member: '4712' }, 'bad-signature'],
    ['a key more', { ...command(), force: true }, 'bad-signature'],
    ['another correlation id', { ...command(), id: 'c2' }, 'bad-signature'],
    ['a longer life', { ...command(), notAfter: NOW + 120_000 }, 'bad-signature'],
    ['a new nonce', { ...command(), nonce: '0'.repeat(32) }, 'bad-signature'],
    ['given to another verb', command('member-suspend'), 'bad-signature'],
    ['given to another box', command('member-revoke', { scope: { ...SCOPE, device: 'entrance-2' } }), 'bad-signature'],
    ['given to another site', command('member-revoke', { scope: { ...SCOPE, site: 'pool' } }), 'bad-signature'],
    ['out of date', command('member-revoke', { issuedAt: NOW - 60_001 }), 'expired'],
    ['good for ever', command('member-revoke', { lifeMs: COMMAND_LIFE_MS + 1 }), 'expired'],
    ['ends before it begins', command('member-revoke', { lifeMs: -1 }), 'expired'],
    ['from tomorrow', command('member-revoke', { issuedAt: NOW + COMMAND_AHEAD_MS + 1 }), 'from-future'],
    ['a lone surrogate', { ...command(), member: '\ud800' }, 'bad-signature'],
  ])('%s', (_, payload, reason) => expect(make().reasonOf(payload)).toBe(reason));

  test('carries what is to be done, beside who says so and until when', () => {
    expect(command()).toMatchObject({ v: 1, id: 'c1', member: '4711', issuedAt: NOW, notAfter: NOW + 60_000 });
  });

  test('is taken once', () => {
    const { reasonOf } = make();
    const payload = command();
    expect([payload, payload].map((given) => reasonOf(given))).toEqual(['admitted', 'replayed']);
  });

  test('is taken by nobody while the clock is doubted, and is not used up', () => {
    const { clock, reasonOf } = make();
    const payload = command();
    clock.trouble = 'the clock jumped';
    expect(reasonOf(payload)).toBe('clock-doubtful');
    clock.trouble = null;
    expect(reasonOf(payload)).toBe('admitted');
  });

  test('is not acted on when taking it cannot be saved, nor when what was saved is damaged', () => {
    const store = new MemoryLedger();
    const { reasonOf } = make(store);
    const payload = command();
    store.broken = true;
    expect(reasonOf(payload)).toBe('counter-unsaved');
    store.broken = false;
    store.text = '{"floor":';
    expect(reasonOf(payload)).toBe('counter-unsaved');
    expect(reasonOf(payload)).toBe('replayed');
    store.text = null;
    expect(reasonOf(payload)).toBe('admitted');
  });

  test('damage of what was saved shuts out the commands of before, and not those of ten minutes later', () => {
    const store = new MemoryLedger();
    const { clock, reasonOf } = make(store);
    const before = command('member-revoke', { issuedAt: NOW + COMMAND_AHEAD_MS, lifeMs: COMMAND_LIFE_MS });
    expect(reasonOf(before)).toBe('admitted');
    store.text = '{"floor":';
    expect(reasonOf(before)).toBe('counter-unsaved');
    expect(reasonOf(before)).toBe('replayed');
    clock.time += COMMAND_LIFE_MS + COMMAND_AHEAD_MS;
    expect(reasonOf(before)).toBe('replayed');
    const later = command('member-revoke', { issuedAt: clock.time });
    expect([reasonOf(later), reasonOf(later)]).toEqual(['admitted', 'replayed']);
  });

  test('is taken once over restarts, on a real store', () => {
    const dir = mkdtempSync(join(tmpdir(), 'usher-commands-'));
    const payload = command();
    const once = (): string => {
      const store = Store.open(dir);
      try {
        return make(ledgerIn(store)).reasonOf(payload);
      } finally {
        store.close();
      }
    };
    expect([once(), once(), once()]).toEqual(['admitted', 'replayed', 'replayed']);
    rmSync(dir, { recursive: true, force: true });
  });

  test('that was forgotten stays refused when the clock is set back', () => {
    const { clock, reasonOf } = make();
    const old = command();
    expect(reasonOf(old)).toBe('admitted');
    clock.time = NOW + 3_600_000;
    expect(reasonOf(command('member-revoke', { issuedAt: clock.time }))).toBe('admitted');
    clock.time = NOW;
    expect(reasonOf(old)).toBe('replayed');
    expect(reasonOf(command())).toBe('replayed');
  });

  test('a full ledger forgets the one that ends first, and lets nothing of that time in again', () => {
    const store = new MemoryLedger();
    const { reasonOf } = make(store, 8);
    const payloads = Array.from({ length: 100 }, (_, at) => command('member-revoke', { lifeMs: 1000 + at }));
    expect(payloads.map((payload) => reasonOf(payload)).every((reason) => reason === 'admitted')).toBe(true);
    expect(payloads.map((payload) => reasonOf(payload)).every((reason) => reason === 'replayed')).toBe(true);
    expect(store.text?.length).toBeLessThan(1000);
  });

  test('in any order, with repetitions, over restarts and clocks that jump: each at most once', () => {
    const pool = Array.from({ length: 12 }, (_, at) =>
      command('member-revoke', { issuedAt: NOW + at * 20_000, lifeMs: 30_000 + at * 1000 }),
    );
    const step = fc.record({
      which: fc.nat(11),
      time: fc.integer({ min: -60_000, max: 400_000 }),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = new MemoryLedger();
        let box = make(store, 4);
        const taken: number[] = [];
        for (const { which, time, restart } of steps) {
          if (restart) box = make(store, 4);
          box.clock.time = NOW + time;
          if (box.reasonOf(pool[which]!) === 'admitted') taken.push(which);
        }
        expect(new Set(taken).size).toBe(taken.length);
      }),
      { numRuns: 300 },
    );
  });

  test('whatever the payload: refused, and never an exception', () => {
    const { reasonOf } = make();
    const honest = command();
    const spoilt = fc
      .record({ key: fc.constantFrom(...Object.keys(honest)), value: fc.jsonValue() })
      .map(({ key, value }): Payload => ({ ...honest, [key]: value }));
    const anything = fc.dictionary(fc.string(), fc.anything());
    fc.assert(
      fc.property(fc.oneof(spoilt, anything), (payload) => {
        if (
          JSON.stringify(payload, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value)) !==
          JSON.stringify(honest)
        )
          expect(reasonOf(payload)).not.toBe('admitted');
      }),
      { numRuns: 2000 },
    );
  });
});

test('a key that orders are signed with is an Ed25519 one; what is none is refused with the cause', () => {
  const pemOf = (key: { export: (options: { format: 'pem'; type: 'pkcs8' }) => string | Buffer }): string =>
    key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const refused = (pem: string): { code?: string; remedy?: string; cause?: unknown } => {
    try {
      commandKey(pem);
    } catch (error) {
      return error as object;
    }
    throw new Error('it was taken');
  };
  const remedy = 'Make one with `usher command-key new FILE`.';
  const unreadable = refused('no key');
  expect(unreadable).toMatchObject({ code: 'data-invalid', remedy });
  expect(unreadable.cause).toBeDefined();
  const other = refused(pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey));
  expect(other).toMatchObject({ code: 'data-invalid', remedy });
  expect(other.cause).toBeUndefined();
});
