import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keyFilesOf, readKey } from '../../src/fleet/manager/keys';
import { readDesired } from '../../src/fleet/manager/desired';
import { addRollback, releasesOf, withdraw } from '../../src/fleet/manager/publish';
import { signedRoot } from '../../src/fleet/manager/tuf-writer';
import { type Desired, RELEASE_LIMITS } from '../../src/fleet/release';
import { OFFER_DOMAIN } from '../../src/fleet/trust/verifier';
import { ALL, DAY, HASTY, NOW, refusal, Rig } from './rig';
import { sha256Hex } from '../../src/digest';

/** A fleet is a matter of many files; machines may be busy. */
jest.setTimeout(120_000);

const flip = (bytes: Buffer, at = bytes.length >> 1): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('an offer', () => {
  let rig: Rig;
  let good: Desired;
  beforeAll(async () => {
    rig = await Rig.start();
    good = rig.offer(await rig.publish('1.0.0'));
  });
  afterAll(() => rig.stop());

  it('is taken when it is what it says', async () => {
    const dir = await rig.box().take(good);
    expect(readdirSync(dir).sort()).toEqual(['card.json', 'golden-input.f32', 'golden-output-0.f32', 'model.onnx']);
  });

  it.each<[string, (good: Desired) => Desired | Buffer]>([
    ['malformed', () => Buffer.from('{"v":1')],
    ['malformed', (offer) => ({ ...offer, surprise: 1 }) as Desired],
    ['malformed', (offer) => Buffer.from(JSON.stringify(offer).padEnd(20_000))],
    ['unsigned', (offer) => ({ ...offer, signatures: [] })],
    ['unknown-key', (offer) => ({ ...offer, signatures: [{ keyid: 'ab'.repeat(32), sig: '5a'.repeat(64) }] })],
    ['bad-signature', (offer) => ({ ...offer, seq: offer.seq + 1 })],
    ['bad-signature', (offer) => ({ ...offer, notAfter: offer.notAfter + 1 })],
    [
      'bad-signature',
      (offer) => ({
        ...offer,
        offers: [{ ...offer.offers[0]!, rollout: { ...offer.offers[0]!.rollout, stages: [9999] } }],
      }),
    ],
    ['bad-signature', (offer) => ({ ...offer, signatures: [{ ...offer.signatures[0]!, sig: '00'.repeat(64) }] })],
  ])('%s: is refused before anything is fetched for it', async (reason, spoil) => {
    const box = rig.box();
    expect(await refusal(box.authenticate(spoil(good)))).toBe(reason);
    expect(box.installed).toEqual([]);
  });

  it('wrong key: by another fleet, and by a key of this fleet that may not', async () => {
    const other = await Rig.start();
    try {
      const stranger = other.offer(await other.publish('1.0.0'));
      expect(await refusal(rig.box().authenticate(stranger))).toBe('unknown-key');
    } finally {
      await other.stop();
    }
    const key = readKey(keyFilesOf(path.join(rig.fleet.dir, 'keys'), 'targets')[0]!, null);
    const { v, scope, seq, issuedAt, notAfter, offers } = good;
    const statement = { v, scope, seq, issuedAt, notAfter, offers };
    const forged = {
      ...statement,
      signatures: [{ keyid: key.keyid, sig: key.signStatement(OFFER_DOMAIN, statement) }],
    };
    expect(await refusal(rig.box().authenticate(forged))).toBe('unknown-key');
  });

  it('expired: by the clock, and on a box without one by what the fleet signed since', async () => {
    expect(await refusal(rig.box({ wall: () => good.notAfter + 1 }).authenticate(good))).toBe('offer-expired');
    // No clock: the root's own time is all it knows.
    expect(await refusal(rig.box({ wall: () => null }).authenticate(good))).toBe('taken');
  });

  it('wrong device or group: whoever carries it to another topic', async () => {
    const known = releasesOf(rig.fleet)[0]!;
    const forFront = rig.offer(known, { kind: 'device', site: 'lyon', device: 'front' });
    const forGyms = rig.offer(known, { kind: 'group', group: 'gyms' });
    const back = { facts: { device: 'back', groups: ['pools'] } };
    expect(await refusal(rig.box().authenticate(forFront))).toBe('taken');
    expect(await refusal(rig.box().authenticate(forGyms))).toBe('taken');
    expect(await refusal(rig.box(back).authenticate(forFront))).toBe('wrong-device');
    expect(await refusal(rig.box(back).authenticate(forGyms))).toBe('wrong-group');
    expect(await refusal(rig.box().authenticate(forFront, ALL))).toBe('wrong-device');
    expect(await refusal(rig.box().authenticate(good, { kind: 'group', group: 'gyms' }))).toBe('wrong-group');
  });

  it('replayed: an older one, and another one under the same number, over a restart too', async () => {
    const known = releasesOf(rig.fleet)[0]!;
    const later = rig.offer(known);
    const box = rig.box();
    await box.authenticate(good);
    await box.authenticate(good);
    await box.authenticate(later);
    expect(await refusal(box.authenticate(good))).toBe('offer-replayed');
    const again = rig.box({ dir: box.dir });
    expect(await refusal(again.authenticate(good))).toBe('offer-replayed');
    expect(await refusal(again.authenticate(later))).toBe('taken');
    const key = readKey(keyFilesOf(path.join(rig.fleet.dir, 'keys'), 'online')[0]!, null);
    const { v, scope, seq, issuedAt, notAfter } = later;
    const statement = { v, scope, seq, issuedAt, notAfter, offers: [] };
    const twin = { ...statement, signatures: [{ keyid: key.keyid, sig: key.signStatement(OFFER_DOMAIN, statement) }] };
    expect(await refusal(again.authenticate(twin))).toBe('offer-replayed');
  });

  it('looks for a new root at most once a minute, however many strangers knock', async () => {
    const box = rig.box();
    rig.requests.length = 0;
    const stranger = { ...good, signatures: [{ keyid: 'ab'.repeat(32), sig: '5a'.repeat(64) }] };
    for (let count = 0; count < 20; count++) await refusal(box.authenticate(stranger));
    expect(rig.requests.map(({ file }) => file)).toEqual(['metadata/2.root.json']);
  });
});

describe('the repository', () => {
  let rig: Rig;
  let offer: Desired;
  beforeEach(async () => {
    rig = await Rig.start();
    offer = rig.offer(await rig.publish('1.0.0'));
  });
  afterEach(() => rig.stop());
  const file = (name: RegExp): string => rig.fleet.metadataPaths.find((one) => name.test(one))!;

  /** Refused for its reason, nothing installed; and the honest repository is taken by the same box afterwards. */
  async function expectRefused(reason: string, options: Parameters<Rig['box']>[0] = {}): Promise<void> {
    const box = rig.box(options);
    expect(await refusal(box.take(offer))).toBe(reason);
    expect(box.installed).toEqual([]);
    rig.mischief = () => undefined;
    expect(await refusal(rig.box({ dir: box.dir }).take(offer))).toBe('taken');
  }

  it('metadata past its time', async () => {
    const box = rig.box({ wall: () => NOW + 15 * DAY });
    expect(await refusal(box.take(offer))).toBe('metadata-expired');
    expect(box.installed).toEqual([]);
    rig.fleet.refresh(NOW + 15 * DAY);
    expect(await refusal(box.take(offer))).toBe('taken');
  });

  it('older metadata than was seen', async () => {
    const old = rig.fleet.read('metadata/timestamp.json');
    rig.fleet.refresh(NOW);
    const box = rig.box();
    await box.take(offer);
    rig.mischief = (name) => (name === 'metadata/timestamp.json' ? old : undefined);
    expect(await refusal(box.verify(offer))).toBe('metadata-older');
    expect(await refusal(rig.box({ dir: box.dir }).verify(offer))).toBe('metadata-older');
  });

  it('metadata of different times, put together', async () => {
    const targets = file(/targets/);
    const old = rig.fleet.read(targets);
    offer = rig.offer(await rig.publish('1.1.0'));
    rig.mischief = (name) => (name === file(/targets/) ? old : undefined);
    await expectRefused('metadata-mixed');
  });

  it.each(['timestamp', 'snapshot', 'targets'])('a flipped byte in %s', async (role) => {
    rig.mischief = (name, bytes) => (name === file(new RegExp(role)) && bytes !== null ? flip(bytes, 40) : undefined);
    const box = rig.box();
    expect(['metadata-unsigned', 'metadata-mixed', 'metadata-malformed']).toContain(await refusal(box.take(offer)));
    expect(box.installed).toEqual([]);
  });

  it.each(['timestamp', 'targets'])('a missing %s', async (role) => {
    rig.mischief = (name) => (name === file(new RegExp(role)) ? null : undefined);
    await expectRefused('metadata-missing');
  });

  it('unsigned metadata, and such signed by the keys of another fleet', async () => {
    const other = await Rig.start();
    const theirs = other.fleet.read('metadata/timestamp.json');
    await other.stop();
    rig.mischief = (name) => (name === 'metadata/timestamp.json' ? theirs : undefined);
    await expectRefused('metadata-unsigned');
    const bare = JSON.parse(rig.fleet.read('metadata/timestamp.json').toString()) as { signatures: unknown };
    bare.signatures = [];
    rig.mischief = (name) => (name === 'metadata/timestamp.json' ? Buffer.from(JSON.stringify(bare)) : undefined);
    await expectRefused('metadata-unsigned');
  });

  it('a swapped target: another release’s document, or another document in the offer', async () => {
    const next = await rig.publish('1.1.0');
    const document = rig.fleet.read(`targets/releases/${next.document.sha256}.${next.id}.json`);
    rig.mischief = (name) => (name.includes(offer.offers[0]!.release) && name.endsWith('.json') ? document : undefined);
    await expectRefused('target-swapped');
    const [first] = offer.offers;
    const box = rig.box();
    const wrong = { ...first!, document: { ...first!.document, sha256: 'ab'.repeat(32) } };
    expect(await refusal(box.receiving.verifier.verify(wrong, null))).toBe('target-swapped');
  });

  it.each([
    ['document', '.json', 'digest-mismatch'],
    ['archive', '.tar', 'digest-mismatch'],
  ])('a flipped byte in the %s', async (_, ending, reason) => {
    rig.mischief = (name, bytes) =>
      name.startsWith('targets/') && name.endsWith(ending) && bytes ? flip(bytes) : undefined;
    await expectRefused(reason);
  });

  it('an archive that is another one', async () => {
    const next = await rig.publish('1.1.0', { ballast: 100 });
    const tar = readdirSync(path.join(rig.fleet.repository, 'targets/archives')).find((name) =>
      name.includes(next.id),
    )!;
    const bytes = rig.fleet.read(`targets/archives/${tar}`);
    rig.mischief = (name) => (name.endsWith('.tar') && !name.includes(next.id) ? bytes : undefined);
    offer = readDesired(rig.fleet, ALL)!;
    await expectRefused('digest-mismatch');
  });

  it.each(['metadata/timestamp.json', 'metadata/2.root.json', '.tar'])('endless data in place of %s', async (name) => {
    rig.mischief = (asked, _, response, request) => {
      if (!asked.endsWith(name)) return undefined;
      const more = (): boolean => response.write(Buffer.alloc(64 * 1024));
      if (request.headers.range === undefined) response.writeHead(200);
      else response.writeHead(206, { 'content-range': `${request.headers.range.replace('=', ' ')}/999999999` });
      response.on('drain', more);
      while (more());
      return 'handled';
    };
    await expectRefused('endless-data');
  });

  it('a slow drip, below all idle timeouts', async () => {
    rig.mischief = (name, bytes, response) => {
      if (!name.endsWith('timestamp.json') || bytes === null) return undefined;
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
      return 'handled';
    };
    await expectRefused('too-slow', { limits: { ...HASTY, slowWindowMs: 100, minBytesPerSecond: 1_000_000 } });
  });

  it('a new root with too few signatures, with a leap in its number, or past its time', async () => {
    const keys = keyFilesOf(path.join(rig.fleet.dir, 'keys'), 'root').map((one) => readKey(one, null));
    const [targets, online] = (['targets', 'online'] as const).map((role) =>
      keyFilesOf(path.join(rig.fleet.dir, 'keys'), role).map((one) => readKey(one, null)),
    );
    const make = (signers: typeof keys, version: number): Buffer =>
      signedRoot({ root: { keys, threshold: 2 }, targets: targets!, online: online! }, 1, signers, {
        version,
        now: NOW,
      }).bytes;
    const serve = (root: Buffer): void => {
      rig.mischief = (name) => (name === 'metadata/2.root.json' ? root : undefined);
    };
    serve(make([keys[0]!], 2));
    await expectRefused('root-unsigned');
    serve(make([], 2));
    await expectRefused('root-unsigned');
    serve(make(keys, 3));
    await expectRefused('root-version');
    serve(make(keys, 2));
    const box = rig.box({ wall: () => NOW + 2 * DAY });
    expect(await refusal(box.take(offer))).toBe('metadata-expired');
  });

  it('expires never: a date that is none', async () => {
    const spoilt = rig.fleet
      .read('metadata/timestamp.json')
      .toString()
      .replace(/"expires":"[^"]+"/, '"expires":"never"');
    rig.mischief = (name) => (name === 'metadata/timestamp.json' ? Buffer.from(spoilt) : undefined);
    await expectRefused('metadata-malformed');
  });

  it('a release that was revoked, or never was', async () => {
    withdraw(rig.fleet, offer.offers[0]!.release, NOW);
    expect(await refusal(rig.box().take(offer))).toBe('revoked');
    const box = rig.box();
    expect(await refusal(box.receiving.verifier.verify({ ...offer.offers[0]!, release: 'nothing' }, null))).toBe(
      'revoked',
    );
  });

  it('a rollback of the first release is refused with what takes that one back', () => {
    let refused: unknown;
    try {
      addRollback(rig.fleet, 'face/encoder', { to: null, reason: 'bad', lifeDays: 1, now: NOW });
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'usage' });
    expect((refused as { remedy: string }).remedy).toContain('usher fleet rollout abort face/encoder');
  });

  it('an older version or release than the running one, unless the fleet signed a rollback', async () => {
    const running = { serial: 2, version: '1.1.0', space: null };
    await rig.publish('1.1.0');
    expect(await refusal(rig.box().verify(offer, running))).toBe('serial-older');
    expect(await refusal(rig.box().verify(offer, { ...running, serial: 0 }))).toBe('version-older');
    const back = addRollback(rig.fleet, 'face/encoder', { to: null, reason: 'bad at night', lifeDays: 1, now: NOW });
    const { release } = await rig.box().verify(rig.offer(back), running);
    expect(release).toMatchObject({ serial: 3, version: '1.0.0', rollback: { reason: 'bad at night' } });
    const dir = await rig.box().take(rig.offer(back));
    expect(JSON.parse(readFileSync(path.join(dir, 'card.json'), 'utf8'))).toMatchObject({ version: '1.0.0' });
  });

  it.each([
    ['requires-usher', { usher: '2.0.0', arch: null, memoryMiB: null }],
    ['requires-arch', { usher: null, arch: ['arm64' as const], memoryMiB: null }],
    ['requires-memory', { usher: null, arch: null, memoryMiB: 4096 }],
  ])('%s', async (reason, requires) => {
    expect(await refusal(rig.box().verify(rig.offer(await rig.publish('1.2.0', { requires }))))).toBe(reason);
  });

  it('an encoder that claims the space of the templates and has another', async () => {
    const same = rig.offer(await rig.publish('1.2.0', { embeddingRule: 'same' }));
    const running = { serial: 0, version: '1.0.0', space: 'mbf-v1' };
    expect(await refusal(rig.box().verify(same, running))).toBe('embedding-space');
    expect(await refusal(rig.box().verify(same, { ...running, space: 'tiny-v1' }))).toBe('taken');
    expect(await refusal(rig.box().verify(offer, running))).toBe('taken');
  });

  it('past the time of the release', async () => {
    const short = rig.offer(await rig.publish('1.2.0', { lifeDays: 1 }));
    expect(await refusal(rig.box({ wall: () => NOW + 2 * DAY }).verify(short))).toBe('release-expired');
  });

  it('larger than a box takes', async () => {
    const bytes = RELEASE_LIMITS.archiveBytes + 1;
    const chunks = Buffer.alloc(Math.ceil(bytes / 32768) * 32).toString('base64');
    const archive = { path: 'archives/huge.tar', bytes, sha256: 'ab'.repeat(32), chunkBytes: 32768, chunks };
    expect(await refusal(rig.box().take(rig.offer(rig.sign(Buffer.alloc(1024), { archive }))))).toBe('oversize');
  });

  it('a poisoned resume file: its chunks are fetched again, the good ones are kept', async () => {
    const big = rig.offer(await rig.publish('1.2.0', { ballast: 20_000 }));
    const box = rig.box();
    const verified = await box.verify(big);
    const stop = new AbortController();
    const { archive } = verified.release;
    const target = path.join(box.slots, 'x');
    await refusal(
      box.receiving.transfer.fetch(
        verified,
        target,
        ({ have }) => have > archive.bytes / 2 && stop.abort(),
        stop.signal,
      ),
    );
    const part = path.join(box.dir, 'transfer', `${archive.sha256}.part`);
    const bytes = readFileSync(part);
    for (const chunk of [2, 7, 11]) bytes[chunk * 1024 + 5] = (bytes[chunk * 1024 + 5] ?? 0) ^ 0x40;
    writeFileSync(part, Buffer.concat([bytes, Buffer.alloc(100_000)]));
    // And a map that claims everything.
    writeFileSync(part.replace('.part', '.map'), Buffer.alloc(100_000, 1));
    let first: number | null = null;
    let received = 0;
    await box.receiving.transfer.fetch(verified, target, (progress) => {
      first ??= progress.have;
      received = progress.received;
    });
    expect(received).toBe(archive.bytes - first!);
    expect(first).toBeGreaterThan(archive.bytes / 2 - 8 * 1024);
    const model = readFileSync(path.join(target, 'model.onnx'));
    expect(sha256Hex(model)).toBe(verified.release.model!.sha256);
    expect(readdirSync(path.join(box.dir, 'transfer'))).toEqual([]);
  });
});

describe('keys and time', () => {
  let rig: Rig;
  beforeEach(async () => (rig = await Rig.start()));
  afterEach(() => rig.stop());

  it('follows new root, targets and online keys, from the first root on', async () => {
    const { root } = rig;
    const known = await rig.publish('1.0.0');
    const old = rig.offer(known);
    const box = rig.box({ root });
    await box.take(old);
    for (const role of ['online', 'targets', 'root', 'online', null] as const) rig.fleet.rotate(role, NOW + 1);
    expect(rig.fleet.rootVersion).toBe(6);
    const fresh = rig.offer(known, ALL, NOW + 2);
    expect(await refusal(box.verify(fresh))).toBe('taken');
    expect(await refusal(rig.box({ root }).verify(fresh))).toBe('taken');
    // The old online key says nothing any more.
    expect(await refusal(rig.box({ dir: box.dir, root }).authenticate(old))).toBe('unknown-key');
  });

  it('is not held by numbers and times that a thief signed, once the key is changed', async () => {
    const known = await rig.publish('1.0.0', { lifeDays: 400 });
    const box = rig.box({ wall: () => null });
    const far = NOW + 300 * DAY;
    rig.fleet.refresh(far);
    await box.verify(rig.offer(known, ALL, far));
    rig.fleet.rotate('online', NOW + 5);
    const fresh = { ...rig.offer(known, ALL, NOW + 6) };
    expect(fresh.seq).toBeGreaterThan(far);
    // First contact still reckons with the thief's time; it brings the new root, and with it the way out.
    await refusal(box.verify(fresh));
    expect(await refusal(box.verify(fresh))).toBe('taken');
  });

  it('a box without a clock refuses what expired before the newest it saw, and is not stuck', async () => {
    const known = await rig.publish('1.0.0', { lifeDays: 150 });
    const offer = rig.offer(known);
    const old = rig.fleet.read('metadata/timestamp.json');
    const box = rig.box({ wall: () => null });
    await box.verify(offer);
    rig.fleet.refresh(NOW + 100 * DAY);
    expect(await refusal(box.verify(offer))).toBe('taken');
    // Restarted, with a clock of 1970 that is not believed: the floor lasts.
    const again = rig.box({ dir: box.dir, wall: () => null });
    expect(await refusal(again.authenticate(offer))).toBe('offer-expired');
    rig.mischief = (name) => (name === 'metadata/timestamp.json' ? old : undefined);
    expect(await refusal(again.receiving.verifier.verify(offer.offers[0]!, null))).toBe('metadata-older');
    rig.mischief = () => undefined;
    rig.fleet.refresh(NOW + 200 * DAY);
    const fresh = rig.offer(known, ALL, NOW + 200 * DAY);
    // The release itself may be begun for 150 days alone: that is its own reason, and not a dead end.
    expect(await refusal(again.verify(fresh))).toBe('release-expired');
    expect(
      await refusal(
        again.verify(rig.offer(await rig.publish('1.1.0', { now: NOW + 200 * DAY }), ALL, NOW + 200 * DAY)),
      ),
    ).toBe('taken');
  });

  it('a clock that is years ahead refuses, leaves no trace, and takes again when it is right', async () => {
    let now = NOW + 4000 * DAY;
    const offer = rig.offer(await rig.publish('1.0.0'));
    const box = rig.box({ wall: () => now });
    expect(await refusal(box.take(offer))).toBe('offer-expired');
    expect(await refusal(box.receiving.verifier.verify(offer.offers[0]!, null))).toBe('metadata-expired');
    now = NOW;
    expect(await refusal(box.take(offer))).toBe('taken');
  });

  it('damaged metadata on disk: the chain is walked again from the pinned root', async () => {
    const { root } = rig;
    rig.fleet.rotate('online', NOW);
    const offer = rig.offer(await rig.publish('1.0.0'));
    const box = rig.box({ root });
    await box.verify(offer);
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'])
      writeFileSync(path.join(box.dir, 'trust', `${role}.json`), '{"signed":');
    expect(await refusal(rig.box({ dir: box.dir, root }).take(offer))).toBe('taken');
  });

  it('needs as many root keys as the root asks for', () => {
    const [first] = keyFilesOf(path.join(rig.fleet.dir, 'keys'), 'root');
    const bytes = readFileSync(first!);
    writeFileSync(first!, '');
    expect(() => rig.fleet.rotate('online', NOW)).toThrow(/root-1.pem/);
    writeFileSync(first!, bytes);
    expect(rig.fleet.rotate('online', NOW).version).toBe(2);
  });
});
