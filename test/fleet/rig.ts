import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBundle } from '../../src/bundles/write';
import { UsherError } from '../../src/errors';
import { sha256Hex } from '../../src/digest';
import { readContent } from '../../src/fleet/manager/content';
import { withOffer, writeDesired } from '../../src/fleet/manager/desired';
import { FleetFolder } from '../../src/fleet/manager/fleet-folder';
import { addRelease, archiveOf, type KnownRelease, type NewRelease, offerOf } from '../../src/fleet/manager/publish';
import { openReceiving } from '../../src/fleet/update/receive';
import type {
  BoxFacts,
  Desired,
  HeardOn,
  Offer,
  OfferScope,
  ReleaseDocument,
  VerifiedRelease,
} from '../../src/fleet/release';
import { ReleaseRefused } from '../../src/fleet/refusal';
import { TRANSFER_LIMITS, type TransferLimits } from '../../src/fleet/transfer/limits';
import type { RetainedReader } from '../../src/fleet/transfer/mqtt-source';
import { archiveTarget, documentTarget } from '../../src/fleet/trust/source';
import { tinyBundle, tinyModel } from '../bundles/tiny-model';

export const NOW = Date.parse('2027-03-01T12:00:00Z');
export const DAY = 86_400_000;
export const ALL: OfferScope = { kind: 'group', group: 'all' };
export const BOX: BoxFacts = {
  site: 'lyon',
  device: 'front',
  groups: ['gyms'],
  usher: '1.0.0',
  arch: 'x64',
  memoryMiB: 2048,
};
export const OPEN: Offer['rollout'] = { stages: [10_000], stage: 0, state: 'rolling', why: null };
/** Everything of a fleet is synced to disk; most tests are not about the disk. */
const MEMORY = '/dev/shm';
/** Patience of a test: attempts follow at once. */
export const HASTY: TransferLimits = { ...TRANSFER_LIMITS, backoffMs: 1, backoffMaxMs: 2, attemptsInVain: 3 };

/** What a hostile or broken server does in place of the file; undefined: nothing, it serves the file. */
export type Mischief = (
  file: string,
  bytes: Buffer | null,
  response: ServerResponse,
  request: IncomingMessage,
) => Buffer | null | undefined | 'handled';

/** A fleet in a folder of its own, a real web server before it, and boxes. */
export class Rig {
  readonly requests: { readonly file: string; readonly range: string | undefined }[] = [];
  mischief: Mischief = () => undefined;
  private server: Server | null = null;
  private boxes = 0;

  private constructor(
    readonly dir: string,
    readonly fleet: FleetFolder,
  ) {}

  static async start(now = NOW): Promise<Rig> {
    const dir = mkdtempSync(path.join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'usher-fleet-'));
    const fleet = FleetFolder.init(path.join(dir, 'fleet'), { rootKeys: 2, rootThreshold: 2, passphrase: null, now });
    const rig = new Rig(dir, fleet);
    const server = createServer((request, response) => rig.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    rig.server = server;
    return rig;
  }

  get port(): number {
    return (this.server?.address() as AddressInfo).port;
  }

  get root(): Buffer {
    return readFileSync(path.join(this.fleet.dir, 'root.json'));
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A whole, real encoder bundle of about 12 bytes a `ballast`. */
  async bundle(name: string, version: string, weight = 2, ballast = 0): Promise<string> {
    const bundle = tinyBundle(name, weight);
    const folder = path.join(this.dir, 'bundles', version);
    return writeBundle(folder, {
      ...bundle,
      card: { ...bundle.card, version },
      modelBytes: tinyModel(weight, ballast),
    });
  }

  async publish(
    version: string,
    { ballast = 0, ...more }: Partial<NewRelease> & { ballast?: number } = {},
  ): Promise<KnownRelease> {
    const content = await readContent(await this.bundle('tiny', version, 2, ballast), '');
    return addRelease(this.fleet, content, { ...release(version), ...more });
  }

  /** A release signed by the fleet whose content nobody looked at: what a careless or bought publisher could sign. */
  sign(tar: Buffer, change: Partial<ReleaseDocument> = {}): KnownRelease {
    const serial = 50 + this.fleet.targets.version;
    const id = `face-encoder-${serial}-9.9.9`;
    const document: ReleaseDocument = {
      ...{ v: 1, id, channel: 'face/encoder', serial, version: '9.9.9', kind: 'bundle', summary: '' },
      model: { name: 'tiny', version: '9.9.9', sha256: '0'.repeat(64) },
      ...{ createdAt: NOW, notAfter: NOW + DAY, archive: archiveOf(archiveTarget(id), tar, 1024) },
      requires: { usher: null, arch: null, memoryMiB: null },
      embedding: { space: 'tiny-v1', rule: 're-enrol' },
      rollback: null,
      ...change,
    };
    const bytes = Buffer.from(JSON.stringify(document));
    const entry = { bytes: bytes.length, sha256: sha256Hex(bytes) };
    const { targets, withdrawn } = this.fleet.targets;
    this.fleet.putTarget(document.archive.path, document.archive.sha256, tar);
    this.fleet.putTarget(documentTarget(id), entry.sha256, bytes);
    targets.set(document.archive.path, { bytes: document.archive.bytes, sha256: document.archive.sha256 });
    targets.set(documentTarget(id), entry);
    this.fleet.commit(targets, withdrawn, NOW);
    return { id, channel: document.channel, serial, version: document.version, document: entry };
  }

  offer(known: KnownRelease, scope: OfferScope = ALL, now = NOW): Desired {
    return writeDesired(this.fleet, scope, (offers) => withOffer(offers, offerOf(known, OPEN)), now);
  }

  /** @param dir of an earlier box, to be it after a restart */
  box(options: BoxOptions = {}): TestBox {
    return new TestBox(this, options.dir ?? path.join(this.dir, `box-${this.boxes++}`), options);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const file = decodeURIComponent((request.url ?? '').slice(1));
    this.requests.push({ file, range: request.headers.range });
    const there = this.fleet.readOptional(path.join('repository', file));
    const spoilt = this.mischief(file, there, response, request);
    if (spoilt === 'handled') return;
    const bytes = spoilt === undefined ? there : spoilt;
    if (bytes === null) return void response.writeHead(404).end();
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    if (first === undefined) return void response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    const end = Math.min(bytes.length - 1, last === '' ? Infinity : Number(last));
    const part = bytes.subarray(Number(first), end + 1);
    response.writeHead(206, {
      'content-range': `bytes ${first}-${end}/${bytes.length}`,
      'content-length': part.length,
    });
    response.end(part);
  }
}

export interface BoxOptions {
  readonly dir?: string;
  readonly facts?: Partial<BoxFacts>;
  readonly wall?: () => number | null;
  readonly root?: Buffer;
  readonly limits?: TransferLimits;
  readonly url?: string;
  /** Given: it has nothing but MQTT. */
  readonly reader?: RetainedReader;
  readonly kbit?: number;
  readonly isBusy?: () => boolean;
}

const NO_READER: RetainedReader = { take: () => Promise.reject(new UsherError('broker-failed', 'no broker')) };

export class TestBox {
  readonly slots: string;
  readonly receiving: ReturnType<typeof openReceiving>;

  constructor(
    rig: Rig,
    readonly dir: string,
    { facts, wall = () => NOW, root, limits = HASTY, url, reader, kbit = 1_000_000, isBusy = () => false }: BoxOptions,
  ) {
    this.slots = path.join(dir, 'slots');
    mkdirSync(this.slots, { recursive: true });
    this.receiving = openReceiving({
      config: {
        source: reader === undefined ? { type: 'https', url: url ?? `http://127.0.0.1:${rig.port}` } : { type: 'mqtt' },
        maxKbitPerSecond: kbit,
      },
      root: root ?? rig.root,
      dir,
      box: { ...BOX, ...facts },
      reader: reader ?? NO_READER,
      isBusy,
      wall,
      limits,
    });
  }

  authenticate(desired: Desired | Buffer, heardOn?: HeardOn): Promise<Desired> {
    const bytes = Buffer.isBuffer(desired) ? desired : Buffer.from(JSON.stringify(desired));
    return this.receiving.verifier.authenticate(bytes, heardOn ?? (Buffer.isBuffer(desired) ? ALL : desired.scope));
  }

  async verify(
    desired: Desired,
    running: Parameters<typeof this.receiving.verifier.verify>[1] = null,
  ): Promise<VerifiedRelease> {
    const { offers } = await this.authenticate(desired);
    return this.receiving.verifier.verify(offers.at(-1)!, running);
  }

  /** All the way. @returns folder of the unpacked release */
  async take(desired: Desired, onProgress?: Parameters<typeof this.receiving.transfer.fetch>[2]): Promise<string> {
    const verified = await this.verify(desired);
    const dir = path.join(this.slots, verified.release.id);
    await this.receiving.transfer.fetch(verified, dir, onProgress);
    return dir;
  }

  /** What lies where the running model's folder would: nothing may appear there by a refusal. */
  get installed(): string[] {
    return readdirSync(this.slots);
  }
}

export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'taken';
  } catch (error) {
    if (error instanceof ReleaseRefused) return error.reason;
    if (error instanceof UsherError) return error.code;
    throw error;
  }
}

function release(version: string): NewRelease {
  return {
    channel: 'face/encoder',
    version,
    summary: 'for tests',
    requires: { usher: null, arch: null, memoryMiB: null },
    embeddingRule: 're-enrol',
    lifeDays: 30,
    chunkBytes: 1024,
    now: NOW,
  };
}
