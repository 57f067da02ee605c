import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FleetKey, makeKey } from '../../../src/fleet/manager/keys';
import { type HeardOn, type Offer, RELEASE_LIMITS, type ReleaseDocument } from '../../../src/fleet/release';
import { TrustFloors } from '../../../src/fleet/trust/floors';
import { documentTarget, targetPath } from '../../../src/fleet/trust/source';
import type { OfferKeys, TrustedRepository, TufClient } from '../../../src/fleet/trust/tuf-client';
import { checkRequirements, checkSuccession, FleetVerifier, OFFER_DOMAIN } from '../../../src/fleet/trust/verifier';
import { BOX, DAY, NOW, refusal } from '../rig';
import { offerOf, OPEN, releaseOf } from '../samples';

/** The judgement alone: the repository's metadata is given, as if it had been fetched and trusted. */
let folder: string;
const keyOf = (name: string) => makeKey(path.join(folder, `${name}.pem`), null);
let first: FleetKey;
let second: FleetKey;
let stranger: FleetKey;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'usher-verifier-'));
  first = keyOf('a');
  second = keyOf('b');
  stranger = keyOf('c');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const known = (keys: readonly FleetKey[], threshold = 1): OfferKeys => ({
  keys: new Map(keys.map(({ keyid, tuf }) => [keyid, tuf.keyval.public])),
  ...{ threshold, rootIssuedAt: 0 },
});
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const STATEMENT = {
  ...{ v: 1, scope: { kind: 'group', group: 'all' }, seq: 5, issuedAt: NOW, notAfter: NOW + DAY },
  offers: [offerOf(1, OPEN)],
} as const;
function signedBy(keys: readonly FleetKey[], change: object = {}): Buffer {
  const statement = { ...STATEMENT, ...change };
  const signatures = keys.map((key) => ({ keyid: key.keyid, sig: key.signStatement(OFFER_DOMAIN, statement) }));
  return Buffer.from(JSON.stringify({ ...statement, signatures }));
}

interface Given {
  keys?: OfferKeys;
  fresh?: OfferKeys;
  wall?: () => number | null;
  monotonicMs?: () => number;
  repository?: Partial<TrustedRepository>;
  files?: ReadonlyMap<string, Buffer>;
}
function verifierWith({ wall = () => NOW, monotonicMs = () => 0, ...given }: Given = {}) {
  const keys = given.keys ?? known([first]);
  const repository: TrustedRepository = {
    ...{ ...keys, issuedAt: NOW, targets: new Map(), withdrawn: new Set<string>() },
    ...given.repository,
  };
  const looked: number[] = [];
  const tuf = {
    offerKeys: () => keys,
    freshOfferKeys: () => {
      looked.push(monotonicMs());
      return Promise.resolve(given.fresh ?? keys);
    },
    refresh: () => Promise.resolve(repository),
  } as unknown as TufClient;
  const source = { file: (file: string) => Promise.resolve(given.files?.get(file) ?? null), chunks: () => undefined! };
  const floors = new TrustFloors(mkdtempSync(path.join(folder, 'floors-')));
  return { verifier: new FleetVerifier({ box: BOX, tuf, floors, source, wall, monotonicMs }), looked };
}
const ALL: HeardOn = { kind: 'group', group: 'all' };
const heard = (bytes: Buffer, given: Given = {}, on: HeardOn = ALL) =>
  refusal(verifierWith(given).verifier.authenticate(bytes, on));

describe('an offer', () => {
  test('holds to its last millisecond', async () => {
    expect(await heard(signedBy([first]), { wall: () => NOW + DAY })).toBe('taken');
    expect(await heard(signedBy([first]), { wall: () => NOW + DAY + 1 })).toBe('offer-expired');
  });

  test.each<[string, object, HeardOn, string]>([
    ['of this box', { site: 'lyon', device: 'front' }, { kind: 'device', site: 'lyon', device: 'front' }, 'taken'],
    ['of a box of this name elsewhere', { site: 'metz', device: 'front' }, ALL, 'wrong-device'],
    [
      ...(['… on its own topic', { site: 'metz', device: 'front' }] as const),
      ...([{ kind: 'device', site: 'metz', device: 'front' }, 'wrong-device'] as const),
    ],
    [
      ...(['of another box here', { site: 'lyon', device: 'back' }] as const),
      ...([{ kind: 'device', site: 'lyon', device: 'back' }, 'wrong-device'] as const),
    ],
    ['of this box, on a group’s topic', { site: 'lyon', device: 'front' }, ALL, 'wrong-device'],
  ])('%s', async (_, box, on, expected) => {
    expect(await heard(signedBy([first], { scope: { kind: 'device', ...box } }), {}, on)).toBe(expected);
  });

  test.each<[string, string, HeardOn, string]>([
    ['of the fleet', 'all', ALL, 'taken'],
    ['of a group of this box', 'gyms', { kind: 'group', group: 'gyms' }, 'taken'],
    ['of another group', 'pools', { kind: 'group', group: 'pools' }, 'wrong-group'],
    ['of one group on the topic of another', 'gyms', ALL, 'wrong-group'],
    ['of a group on the topic of a box', 'gyms', { kind: 'device', site: 'lyon', device: 'front' }, 'wrong-group'],
  ])('%s', async (_, group, on, expected) => {
    expect(await heard(signedBy([first], { scope: { kind: 'group', group } }), {}, on)).toBe(expected);
  });

  test('needs as many signatures of different known keys as the root asks for', async () => {
    const two = { keys: known([first, second], 2) };
    expect(await heard(signedBy([first, second]), two)).toBe('taken');
    expect(await heard(signedBy([first]), two)).toBe('unsigned');
    expect(await heard(signedBy([first, first]), two)).toBe('unsigned');
    expect(await heard(signedBy([first, stranger]), two)).toBe('unsigned');
    expect(await heard(signedBy([]), two)).toBe('unsigned');
  });

  test('under a key that is not known yet too is taken without a look at the root', async () => {
    const { verifier, looked } = verifierWith();
    await verifier.authenticate(signedBy([stranger, first]), ALL);
    expect(looked).toEqual([]);
  });

  test('under new keys is taken after a look at the root, at most once a minute', async () => {
    let now = 0;
    const { verifier, looked } = verifierWith({ monotonicMs: () => now });
    const knock = () => refusal(verifier.authenticate(signedBy([stranger]), ALL));
    expect(await knock()).toBe('unknown-key');
    now = 59_999;
    await knock();
    expect(looked).toEqual([0]);
    now = 60_000;
    await knock();
    expect(looked).toEqual([0, 60_000]);
    expect(await heard(signedBy([stranger]), { fresh: known([stranger]) })).toBe('taken');
  });

  test('is counted for each addressee by itself', async () => {
    const { verifier } = verifierWith();
    const box = { kind: 'device', site: 'lyon', device: 'front' } as const;
    const gyms = { kind: 'group', group: 'gyms' } as const;
    const hear = (scope: HeardOn, seq: number) =>
      refusal(verifier.authenticate(signedBy([first], { scope, seq }), scope));
    expect([await hear(ALL, 5), await hear(gyms, 3), await hear(box, 1)]).toEqual(['taken', 'taken', 'taken']);
    expect([await hear(ALL, 4), await hear(gyms, 2)]).toEqual(['offer-replayed', 'offer-replayed']);
    expect([await hear(ALL, 5), await hear(gyms, 4), await hear(box, 1)]).toEqual(['taken', 'taken', 'taken']);
  });

  test('that was taken before is not written down again', async () => {
    const { verifier } = verifierWith();
    const note = jest.spyOn(TrustFloors.prototype, 'note');
    try {
      for (let n = 0; n < 3; n++) await verifier.authenticate(signedBy([first]), ALL);
      expect(note).toHaveBeenCalledTimes(1);
    } finally {
      note.mockRestore();
    }
  });
});

describe('a release', () => {
  /** A repository with one release, its document changed after the offer was written for it. */
  function published(change: Partial<ReleaseDocument> = {}, targets: (path: string) => object | null = () => ({})) {
    const release = releaseOf(1, { notAfter: NOW + DAY, ...change });
    const bytes = Buffer.from(JSON.stringify(release));
    const entry = { bytes: bytes.length, sha256: sha256(bytes) };
    const target = documentTarget('face-encoder-1');
    const archive = { bytes: release.archive.bytes, sha256: release.archive.sha256 };
    const listed = [[target, entry] as const, [release.archive.path, archive] as const].flatMap(([name, info]) => {
      const spoilt = targets(name);
      return spoilt === null ? [] : [[name, { ...info, ...spoilt }] as const];
    });
    const offer: Offer = { ...offerOf(1), document: entry };
    const files = new Map([[targetPath(target, entry.sha256), bytes]]);
    return { offer, given: { repository: { targets: new Map(listed) }, files } };
  }
  const verify = ({ offer, given }: ReturnType<typeof published>, more: Given = {}) =>
    refusal(verifierWith({ ...given, ...more }).verifier.verify(offer, null));

  test('may be begun to its last millisecond', async () => {
    expect(await verify(published())).toBe('taken');
    expect(await verify(published(), { wall: () => NOW + DAY })).toBe('taken');
    expect(await verify(published(), { wall: () => NOW + DAY + 1 })).toBe('release-expired');
  });

  test.each<[string, Partial<ReleaseDocument>]>([
    ['another release', { id: 'face-encoder-2' }],
    ['another channel', { channel: 'face/detector' }],
    ['another version', { version: '1.2.0' }],
  ])('whose document is of %s is refused', async (_, change) => {
    expect(await verify(published(change))).toBe('document-differs');
  });

  test.each<[string, (target: string) => object | null]>([
    ['that is not in the repository', (target) => (target.startsWith('archives/') ? null : {})],
    ['of another length', (target) => (target.startsWith('archives/') ? { bytes: 511 } : {})],
    ['of another digest', (target) => (target.startsWith('archives/') ? { sha256: 'ab'.repeat(32) } : {})],
  ])('with an archive %s is refused', async (_, targets) => {
    expect(await verify(published({}, targets))).toBe('target-swapped');
  });

  test('whose document has another length than the offer says is refused', async () => {
    const { offer, given } = published();
    const longer = { ...offer, document: { ...offer.document, bytes: offer.document.bytes + 1 } };
    expect(await verify({ offer: longer, given })).toBe('target-swapped');
  });

  test('whose document is longer than a box reads is refused before it is fetched', async () => {
    const sized = (bytes: number) => {
      const { offer, given } = published({}, (target) => (target.startsWith('releases/') ? { bytes } : {}));
      return { offer: { ...offer, document: { ...offer.document, bytes } }, given };
    };
    expect(await verify(sized(RELEASE_LIMITS.documentBytes))).toBe('taken');
    expect(await verify(sized(RELEASE_LIMITS.documentBytes + 1))).toBe('oversize');
  });

  test('whose document is not there, or is none', async () => {
    expect(await verify(published(), { files: new Map() })).toBe('metadata-missing');
    expect(await verify(published({ serial: 0 }))).toBe('document-malformed');
  });

  test('whose document was answered with other bytes, or with those of another target', async () => {
    const { offer, given } = published();
    const [file] = [...given.files.keys()];
    const answered = (bytes: Buffer, more: object = {}) => {
      const targets = new Map([
        ...given.repository.targets,
        ['releases/other.json', { bytes: 1, sha256: '', ...more }],
      ]);
      return verify({ offer, given: { repository: { targets }, files: new Map([[file!, bytes]]) } } as never);
    };
    const other = Buffer.from('{}');
    expect(await answered(other)).toBe('digest-mismatch');
    expect(await answered(other, { sha256: sha256(other) })).toBe('target-swapped');
  });

  test('may be as large as a box takes', async () => {
    const archive = (bytes: number) => ({
      ...{ path: 'archives/huge.tar', bytes, sha256: 'ab'.repeat(32), chunkBytes: 32_768 },
      chunks: Buffer.alloc(Math.ceil(bytes / 32_768) * 32).toString('base64'),
    });
    expect(await verify(published({ archive: archive(RELEASE_LIMITS.archiveBytes) }))).toBe('taken');
    expect(await verify(published({ archive: archive(RELEASE_LIMITS.archiveBytes + 1) }))).toBe('oversize');
  });
});

const judged = (work: () => void): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    return (error as { reason: string }).reason;
  }
};

test.each<[string, Partial<ReleaseDocument['requires']>, string]>([
  ['nothing', {}, 'taken'],
  ['this very usher', { usher: '1.0.0' }, 'taken'],
  ['an older usher', { usher: '0.9.9' }, 'taken'],
  ['a newer usher', { usher: '1.0.1' }, 'requires-usher'],
  ['this kind of machine or another', { arch: ['arm64', 'x64'] }, 'taken'],
  ['another kind of machine', { arch: ['arm64'] }, 'requires-arch'],
  ['no kind of machine at all', { arch: [] }, 'requires-arch'],
  ['just this much memory', { memoryMiB: 2048 }, 'taken'],
  ['less memory', { memoryMiB: 1024 }, 'taken'],
  ['more memory', { memoryMiB: 2049 }, 'requires-memory'],
])('a release that requires %s', (_, requires, expected) => {
  const none = { usher: null, arch: null, memoryMiB: null };
  expect(judged(() => checkRequirements(releaseOf(1, { requires: { ...none, ...requires } }), BOX))).toBe(expected);
});

const embedding = (rule: 'same' | 're-enrol') => ({ space: 'tiny-v1', rule });
test.each<[string, Partial<ReleaseDocument>, { serial?: number; version?: string; space?: string | null }, string]>([
  ['the very same release', {}, {}, 'taken'],
  ['an earlier release', {}, { serial: 3 }, 'serial-older'],
  ['a lower version', {}, { version: '1.2.1' }, 'version-older'],
  ['a lower version that is a rollback', { rollback: { reason: 'x' } }, { version: '1.3.0' }, 'taken'],
  ['the space of the templates', { embedding: embedding('same') }, { space: 'tiny-v1' }, 'taken'],
  ['a space called the same that is another', { embedding: embedding('same') }, { space: 'mbf-v1' }, 'embedding-space'],
  ['another space', { embedding: embedding('re-enrol') }, { space: 'mbf-v1' }, 'taken'],
  ['a space where no templates are', { embedding: embedding('same') }, { space: null }, 'taken'],
  ['no space', { embedding: null }, { space: 'mbf-v1' }, 'taken'],
])('%s over the running one', (_, change, running, expected) => {
  const now = { serial: 2, version: '1.2.0', space: null, ...running };
  expect(judged(() => checkSuccession(releaseOf(2, change), now))).toBe(expected);
});
