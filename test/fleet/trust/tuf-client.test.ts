import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canonicalJson } from '../../../src/canonical';
import { type FleetKey, makeKey } from '../../../src/fleet/manager/keys';
import { ISSUED_AT, TUF_LIMITS, TufClient, WITHDRAWN } from '../../../src/fleet/trust/tuf-client';
import { refusal } from '../rig';

/** Metadata written by hand, so that each field can be what no manager of a fleet would write. */
const NOW = Date.UTC(2027, 2, 1);
const EXPIRES = '2028-01-01T00:00:00Z';
const ARCHIVE = { length: 7, hashes: { sha256: 'ab'.repeat(32) } };

let folder: string;
let key: FleetKey;
let other: FleetKey;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-tuf-'));
  [key, other] = ['a', 'b'].map((name) => makeKey(path.join(folder, `${name}.pem`), null)) as [FleetKey, FleetKey];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Body = Readonly<Record<string, unknown>>;
function signed(body: Body, keys: readonly FleetKey[] = [key]): Buffer {
  const bytes = new Uint8Array(Buffer.from(canonicalJson(body)));
  const signatures = keys.map((each) => ({ keyid: each.keyid, sig: each.sign(bytes) }));
  return Buffer.from(JSON.stringify({ signatures, signed: body }));
}
const common = (type: string, version: number, change: Body): Body => ({
  ...{ _type: type, spec_version: '1.0.31', version, expires: EXPIRES },
  ...change,
});
const metaOf = (bytes: Buffer, version: number) => ({
  ...{ version, length: bytes.length },
  hashes: { sha256: createHash('sha256').update(bytes).digest('hex') },
});
/** @param online who signs what must be fresh, and the offers */
function rootOf(version = 1, change: Body = {}, online: readonly FleetKey[] = [key]): Buffer {
  const role = (keys: readonly FleetKey[]) => ({ keyids: keys.map(({ keyid }) => keyid), threshold: 1 });
  const keys = Object.fromEntries([key, ...online].map(({ keyid, tuf }) => [keyid, tuf]));
  const roles = { root: role([key]), targets: role([key]), snapshot: role([key]), timestamp: role(online) };
  return signed(common('root', version, { consistent_snapshot: true, keys, roles, [ISSUED_AT]: NOW, ...change }));
}

interface Given {
  version?: number;
  consistent?: boolean;
  targets?: Body;
  snapshot?: Body;
  timestamp?: Body;
  announce?: (meta: ReturnType<typeof metaOf>) => object;
}
type Files = Map<string, Buffer>;
function filesOf({ version = 1, consistent = true, announce = (meta) => meta, ...change }: Given = {}): Files {
  const listed = { targets: { 'archives/a.tar': ARCHIVE }, [WITHDRAWN]: ['r1'], ...change.targets };
  const targets = signed(common('targets', version, listed));
  const snapshot = signed(
    common('snapshot', version, { meta: { 'targets.json': announce(metaOf(targets, version)) }, ...change.snapshot }),
  );
  const meta = { 'snapshot.json': metaOf(snapshot, version) };
  const timestamp = signed(common('timestamp', version, { meta, [ISSUED_AT]: NOW + 1, ...change.timestamp }));
  const prefix = consistent ? `${version}.` : '';
  return new Map([
    ['metadata/timestamp.json', timestamp],
    [`metadata/${prefix}snapshot.json`, snapshot],
    [`metadata/${prefix}targets.json`, targets],
  ]);
}

function boxWith(files: Files, pinnedRoot = rootOf(), dir = mkdtempSync(path.join(folder, 'box-'))) {
  const asked: [string, number][] = [];
  const source = {
    file: (name: string, maxBytes: number) => {
      asked.push([name, maxBytes]);
      return Promise.resolve(files.get(name) ?? null);
    },
    chunks: () => undefined!,
  };
  const client = new TufClient({ dir, pinnedRoot, source, referenceTime: () => NOW });
  return { client, asked, dir, kept: (role: string) => readFileSync(path.join(dir, `${role}.json`)) };
}
const failure = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('a refresh', () => {
  test('brings what the fleet says, and keeps it', async () => {
    const { client, dir } = boxWith(filesOf());
    const repository = await client.refresh();
    expect([...repository.targets]).toEqual([['archives/a.tar', { bytes: 7, sha256: ARCHIVE.hashes.sha256 }]]);
    expect([...repository.withdrawn]).toEqual(['r1']);
    expect(repository).toMatchObject({ issuedAt: NOW + 1, rootIssuedAt: NOW, threshold: 1 });
    expect([...repository.keys]).toEqual([[key.keyid, key.tuf.keyval.public]]);
    expect(readdirSync(dir).sort()).toEqual(['snapshot.json', 'targets.json', 'timestamp.json']);
  });

  test('asks for no more than was announced, and a second time only for what may be new', async () => {
    const files = filesOf();
    const length = (name: string) => files.get(name)!.length;
    const { client, asked, dir } = boxWith(files);
    await client.refresh();
    const fresh: [string, number][] = [
      ['metadata/2.root.json', TUF_LIMITS.rootBytes],
      ['metadata/timestamp.json', TUF_LIMITS.timestampBytes],
    ];
    expect(asked).toEqual([
      ...fresh,
      ['metadata/1.snapshot.json', length('metadata/1.snapshot.json')],
      ['metadata/1.targets.json', length('metadata/1.targets.json')],
    ]);
    asked.length = 0;
    await client.refresh();
    expect(asked).toEqual(fresh);
    const later = boxWith(files, rootOf(), dir);
    expect((await later.client.refresh()).targets.size).toBe(1);
    expect(later.asked).toEqual(fresh);
  });

  test.each(['snapshot', 'targets', 'timestamp'])('fetches a %s again that was damaged on disk', async (role) => {
    const files = filesOf();
    const { client, dir, kept } = boxWith(files);
    await client.refresh();
    const good = kept(role);
    writeFileSync(path.join(dir, `${role}.json`), '{"signed":');
    expect((await client.refresh()).targets.size).toBe(1);
    expect(kept(role).equals(good)).toBe(true);
  });

  test('without a length announced asks for as much as a box reads', async () => {
    const { client, asked } = boxWith(filesOf({ announce: ({ version }) => ({ version }) }));
    await client.refresh();
    expect(asked.at(-1)).toEqual(['metadata/1.targets.json', TUF_LIMITS.targetsBytes]);
  });

  test('refuses what is announced as longer than a box reads, before it is fetched', async () => {
    const announced = (length: number) => boxWith(filesOf({ announce: (meta) => ({ ...meta, length }) }));
    expect(await refusal(announced(TUF_LIMITS.targetsBytes).client.refresh())).toBe('metadata-mixed');
    const { client, asked } = announced(TUF_LIMITS.targetsBytes + 1);
    expect(await refusal(client.refresh())).toBe('oversize');
    expect(asked.map(([name]) => name)).not.toContain('metadata/1.targets.json');
  });

  test('finds files without a version in their names where the root says so', async () => {
    const { client } = boxWith(filesOf({ consistent: false }), rootOf(1, { consistent_snapshot: false }));
    expect((await client.refresh()).targets.size).toBe(1);
  });

  test('waits for the one before it, also where that failed', async () => {
    const files = filesOf();
    const { client, asked } = boxWith(files);
    const timestamp = files.get('metadata/timestamp.json')!;
    files.delete('metadata/timestamp.json');
    const first = refusal(client.refresh());
    const second = client.refresh();
    void first.then(() => files.set('metadata/timestamp.json', timestamp));
    expect(await first).toBe('metadata-missing');
    expect((await second).targets.size).toBe(1);
    expect(asked.map(([name]) => name).slice(0, 4)).toEqual([
      ...['metadata/2.root.json', 'metadata/timestamp.json', 'metadata/2.root.json', 'metadata/timestamp.json'],
    ]);
  });
});

describe('what is kept', () => {
  test('a timestamp of the version that is trusted takes no other’s place', async () => {
    const files = filesOf();
    const { client, kept } = boxWith(files);
    await client.refresh();
    const first = kept('timestamp');
    files.set(
      'metadata/timestamp.json',
      filesOf({ timestamp: { [ISSUED_AT]: NOW + 5 } }).get('metadata/timestamp.json')!,
    );
    expect((await client.refresh()).issuedAt).toBe(NOW + 1);
    expect(kept('timestamp').equals(first)).toBe(true);
  });

  test('a newer root than the pinned one counts, an older or another of its number does not', async () => {
    const { client, dir, kept } = boxWith(new Map([['metadata/2.root.json', rootOf(2, {}, [other])]]));
    expect([...client.offerKeys().keys.keys()]).toEqual([key.keyid]);
    expect([...(await client.freshOfferKeys()).keys.keys()]).toEqual([other.keyid]);
    const keysWith = (pinned: Buffer) => [...boxWith(new Map(), pinned, dir).client.offerKeys().keys.keys()];
    expect(keysWith(rootOf())).toEqual([other.keyid]);
    expect([keysWith(rootOf(2)), keysWith(rootOf(3))]).toEqual([[key.keyid], [key.keyid]]);
    expect(kept('root').equals(rootOf(2, {}, [other]))).toBe(true);
    writeFileSync(path.join(dir, 'root.json'), 'null');
    expect(keysWith(rootOf())).toEqual([key.keyid]);
  });

  test('so many roots are followed in one go, and the rest the next time', async () => {
    const roots = Array.from({ length: TUF_LIMITS.rootRotations + 6 }, (_, n) => n + 2);
    const files = new Map(roots.map((version) => [`metadata/${version}.root.json`, rootOf(version)]));
    const { client, asked } = boxWith(files);
    await client.freshOfferKeys();
    expect(asked).toHaveLength(TUF_LIMITS.rootRotations);
    await client.freshOfferKeys();
    expect(asked.at(-1)?.[0]).toBe(`metadata/${TUF_LIMITS.rootRotations + 8}.root.json`);
  });

  test('that cannot be read or written stops the box, and is told', async () => {
    const { client, dir } = boxWith(filesOf());
    mkdirSync(path.join(dir, 'root.json'));
    expect(failure(() => client.offerKeys())).toMatchObject({ code: 'store-unavailable' });
    const nowhere = path.join(folder, 'nowhere');
    symlinkSync('/proc/self/no-such-folder', nowhere);
    await expect(boxWith(filesOf(), rootOf(), nowhere).client.refresh()).rejects.toMatchObject({
      code: 'store-unavailable',
    });
  });

  test('a pinned root that is none is told', () => {
    for (const text of ['', '{}', 'null'])
      expect(failure(() => boxWith(new Map(), Buffer.from(text)).client.offerKeys())).toMatchObject({
        code: 'data-invalid',
      });
  });
});

describe('what the metadata says', () => {
  test.each<[string, object]>([
    ['of another kind', { keytype: 'rsa', scheme: 'ed25519' }],
    ['of another scheme', { keytype: 'ed25519', scheme: 'ed25519ph' }],
    ['in another writing', { keyval: { public: 'AB'.repeat(32) } }],
    ['that is too short', { keyval: { public: 'ab'.repeat(31) } }],
    ['that is too long', { keyval: { public: 'ab'.repeat(33) } }],
  ])('a key %s signs no offers', (_, change) => {
    const strange = { ...other.tuf, ...change };
    const keys = { [key.keyid]: key.tuf, [other.keyid]: strange };
    const root = JSON.parse(rootOf(1, {}, [key, other]).toString()) as { signed: Body };
    const { client } = boxWith(new Map(), signed({ ...root.signed, keys }));
    expect([...client.offerKeys().keys.keys()]).toEqual([key.keyid]);
  });

  test.each<[unknown, number]>([
    [1, 1],
    [8.64e15, 8.64e15],
    [8.64e15 + 1, 0],
    [0, 0],
    [-5, 0],
    ['5', 0],
    [null, 0],
  ])('a root issued at %j was issued at %d', (at, expected) => {
    const { client } = boxWith(new Map(), rootOf(1, { [ISSUED_AT]: at }));
    expect(client.offerKeys().rootIssuedAt).toBe(expected);
  });

  test('targets without a SHA-256 are none', async () => {
    const targets = { 'archives/a.tar': ARCHIVE, 'archives/b.tar': { length: 7, hashes: { sha512: 'cd'.repeat(64) } } };
    const { client } = boxWith(filesOf({ targets: { targets } }));
    expect([...(await client.refresh()).targets.keys()]).toEqual(['archives/a.tar']);
  });

  test.each<[unknown, string[]]>([
    [
      ['r1', 7, null, 'r2'],
      ['r1', 'r2'],
    ],
    ['r1', []],
    [{ length: 1 }, []],
  ])('of %j withdrawn are %j', async (withdrawn, expected) => {
    const { client } = boxWith(filesOf({ targets: { [WITHDRAWN]: withdrawn } }));
    expect([...(await client.refresh()).withdrawn]).toEqual(expected);
  });
});

describe('metadata is refused', () => {
  test.each<[string, Body]>([
    ['no date', { expires: 'never' }],
    ['a date that JavaScript alone takes for one', { expires: 'Sat, 01 Jan 2028 00:00:00 GMT' }],
    ['a day that does not exist', { expires: '2028-13-45T00:00:00Z' }],
    ['a number for a date', { expires: 1_900_000_000_000 }],
    ['half a version', { version: 1.5 }],
    ['a version in letters', { version: '1' }],
    ['version 0', { version: 0 }],
    ['another role', { _type: 'snapshot' }],
  ])('that says %s', async (_, timestamp) => {
    expect(await refusal(boxWith(filesOf({ timestamp })).client.refresh())).toBe('metadata-malformed');
  });

  test.each(['', 'null', '{}', '[]', '{"signed":null}'])('that is %j', async (text) => {
    const files = filesOf();
    files.set('metadata/timestamp.json', Buffer.from(text));
    expect(await refusal(boxWith(files).client.refresh())).toBe('metadata-malformed');
  });

  test('that is older, or of another time than the rest', async () => {
    const files = filesOf({ version: 2 });
    const { client } = boxWith(files);
    await client.refresh();
    files.set('metadata/timestamp.json', filesOf().get('metadata/timestamp.json')!);
    expect(await refusal(client.refresh())).toBe('metadata-older');

    const mixed = filesOf({ timestamp: { meta: { 'snapshot.json': { version: 2 } } } });
    mixed.set('metadata/2.snapshot.json', mixed.get('metadata/1.snapshot.json')!);
    expect(await refusal(boxWith(mixed).client.refresh())).toBe('metadata-mixed');
  });

  test('that names no targets, the first time and later', async () => {
    expect(await refusal(boxWith(filesOf({ snapshot: { meta: {} } })).client.refresh())).toBe('metadata-mixed');
    const files = filesOf();
    const { client } = boxWith(files);
    await client.refresh();
    for (const [name, bytes] of filesOf({ version: 2, snapshot: { meta: {} } })) files.set(name, bytes);
    expect(await refusal(client.refresh())).toBe('metadata-mixed');
  });

  test('that nobody signed who may', async () => {
    const files = filesOf();
    const { signed: body } = JSON.parse(files.get('metadata/timestamp.json')!.toString()) as { signed: Body };
    files.set('metadata/timestamp.json', signed(body, [other]));
    expect(await refusal(boxWith(files).client.refresh())).toBe('metadata-unsigned');
    const root = JSON.parse(rootOf(2).toString()) as { signed: Body };
    const roots = new Map([['metadata/2.root.json', signed(root.signed, [other])]]);
    expect(await refusal(boxWith(roots).client.freshOfferKeys())).toBe('root-unsigned');
    const leap = new Map([['metadata/2.root.json', rootOf(3)]]);
    expect(await refusal(boxWith(leap).client.freshOfferKeys())).toBe('root-version');
  });
});
