import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import { metadataPath } from '../trust/source';
import { KeyFolder, missingKeys, type OpenOptions } from './key-folder';
import { type FleetKey, type KeyRole, makeKey } from './keys';
import {
  type Expiries,
  readRoot,
  readSnapshot,
  readTargets,
  readTimestamp,
  type RootFacts,
  type RootRoles,
  type SignedFile,
  signedRoot,
  signedSnapshot,
  signedTargets,
  signedTimestamp,
  type TargetEntry,
  type TargetsFacts,
} from './tuf-writer';

const Settings = z.strictObject({
  v: z.literal(1),
  expiries: z.strictObject({
    rootDays: z.number().int().min(1).max(7300),
    targetsDays: z.number().int().min(1).max(3650),
    timestampDays: z.number().int().min(1).max(365),
  }),
});

export const DEFAULT_EXPIRIES: Expiries = { rootDays: 1095, targetsDays: 365, timestampDays: 14 };

export interface InitOptions {
  readonly rootKeys: number;
  readonly rootThreshold: number;
  readonly passphrase: string | null;
  readonly expiries?: Expiries;
  readonly now: number;
}

/** A signature is renewed when this share of its validity is left. */
const RENEW_SHARE = 1 / 3;

/**
 * A fleet's folder at its manager: keys, the repository that a web server can hand out, and the offers. Every file is written
 * atomically, and the timestamp last, so that a reader sees the state before or after.
 */
export class FleetFolder {
  private readonly keys: KeyFolder;

  private constructor(
    readonly dir: string,
    private readonly expiries: Expiries,
    options: OpenOptions,
  ) {
    this.keys = new KeyFolder(path.join(dir, 'keys'), options);
  }

  /** @throws UsherError `usage` where there is a fleet already */
  static init(dir: string, options: InitOptions): FleetFolder {
    const { rootKeys, rootThreshold, passphrase, expiries = DEFAULT_EXPIRIES, now } = options;
    if (existsSync(path.join(dir, 'fleet.json')))
      throw new UsherError('usage', `${dir} holds a fleet already`, { remedy: 'Name a folder that is not there yet.' });
    if (!(rootThreshold >= 1 && rootThreshold <= rootKeys && rootKeys <= 16))
      throw new UsherError('usage', `a threshold of ${rootThreshold} of ${rootKeys} root keys makes no sense`);
    // Passable, for the web server; what is secret in it is closed by itself.
    mkdirSync(dir, { recursive: true, mode: 0o755 });
    const keys = path.join(dir, 'keys');
    const make = (role: KeyRole, number: number): FleetKey =>
      makeKey(path.join(keys, `${role}-${number}.pem`), passphrase);
    const root = Array.from({ length: rootKeys }, (_, index) => make('root', index + 1));
    const roles: RootRoles = {
      root: { keys: root, threshold: rootThreshold },
      targets: [make('targets', 1)],
      online: [make('online', 1)],
    };
    const fleet = new FleetFolder(dir, expiries, { passphrase });
    fleet.write('fleet.json', Buffer.from(`${JSON.stringify({ v: 1, expiries }, null, 2)}\n`), 'owner');
    const first = signedRoot(roles, expiries.rootDays, root, { version: 1, now });
    const targets = signedTargets(new Map(), [], expiries.targetsDays, roles.targets, { version: 1, now });
    const snapshot = signedSnapshot(targets, expiries.targetsDays, roles.online, { version: 1, now });
    fleet.putRoot(first);
    fleet.putSigned(
      targets,
      snapshot,
      signedTimestamp(snapshot, expiries.timestampDays, roles.online, { version: 1, now }),
    );
    return fleet;
  }

  /** @throws UsherError `usage`, `data-invalid` */
  static open(dir: string, options: OpenOptions): FleetFolder {
    let text: string;
    try {
      text = readFileSync(path.join(dir, 'fleet.json'), 'utf8');
    } catch (error) {
      throw new UsherError('usage', `${dir} holds no fleet: ${messageOf(error)}`, {
        remedy: 'Make one with `usher fleet init DIR`.',
        cause: error,
      });
    }
    try {
      return new FleetFolder(dir, Settings.parse(JSON.parse(text)).expiries, options);
    } catch (error) {
      throw new UsherError('data-invalid', `${path.join(dir, 'fleet.json')}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** What a web server hands out, and what goes onto the broker. */
  get repository(): string {
    return path.join(this.dir, 'repository');
  }

  get root(): RootFacts {
    return readRoot(this.read(metadataPath('root', this.rootVersion)));
  }

  get rootVersion(): number {
    const versions = readdirSync(path.join(this.repository, 'metadata')).map((name) =>
      Number(/^(\d+)\.root\.json$/.exec(name)?.[1] ?? 0),
    );
    return Math.max(...versions);
  }

  get targets(): TargetsFacts {
    return readTargets(this.current().targets.bytes);
  }

  /** Paths of the metadata that is in force: every root, and the newest of the others. */
  get metadataPaths(): string[] {
    const { snapshot, targets } = this.current();
    const roots = Array.from({ length: this.rootVersion }, (_, index) => metadataPath('root', index + 1));
    return [
      ...roots,
      metadataPath('targets', targets.version),
      metadataPath('snapshot', snapshot.version),
      metadataPath('timestamp', null),
    ];
  }

  /** The keys of the role that signs offers. @throws UsherError `key-unusable` */
  onlineKeys(): FleetKey[] {
    return this.keys.atHand('online', this.root.roles.timestamp);
  }

  /** Adds a target's bytes under its digest; nothing names it until `commit`. @throws UsherError `store-unavailable` */
  putTarget(target: string, sha256: string, bytes: Uint8Array): void {
    const cut = target.lastIndexOf('/') + 1;
    this.write(`repository/targets/${target.slice(0, cut)}${sha256}.${target.slice(cut)}`, bytes, 'public');
  }

  /** Signs another set of targets. @throws UsherError `key-unusable`, `store-unavailable` */
  commit(targets: ReadonlyMap<string, TargetEntry>, withdrawn: readonly string[], now: number): void {
    const { root } = this;
    const before = this.current();
    const next = signedTargets(
      targets,
      withdrawn,
      this.expiries.targetsDays,
      this.keys.atHand('targets', root.roles.targets),
      {
        version: before.targets.version + 1,
        now,
      },
    );
    this.sign(next, before, now);
  }

  /** A new timestamp, and new signatures on what nears its end. @throws UsherError `key-unusable`, `store-unavailable` */
  refresh(now: number): void {
    const before = this.current();
    const targets = readTargets(before.targets.bytes);
    if (this.isOld(targets.expires, this.expiries.targetsDays, now))
      this.commit(targets.targets, targets.withdrawn, now);
    else this.sign(before.targets, before, now);
  }

  /** Days until the root expires; it needs the root keys, so it is not renewed by `refresh`. */
  rootDaysLeft(now: number): number {
    return Math.floor((this.root.expires - now) / 86_400_000);
  }

  /**
   * A new root: new keys for one role, or for none (a root that lives longer). Signed by enough of the old root keys and, where they
   * change, by the new ones; what the role had signed is signed again.
   * @throws UsherError `key-unusable` when fewer root keys are at hand than the root asks for
   */
  rotate(role: KeyRole | null, now: number): { readonly version: number; readonly made: readonly string[] } {
    const facts = this.root;
    const old = this.keys.atHand('root', facts.roles.root);
    const current: RootRoles = {
      root: { keys: old, threshold: facts.roles.root.threshold },
      targets: this.keys.atHand('targets', facts.roles.targets),
      online: this.keys.atHand('online', facts.roles.timestamp),
    };
    if (role !== 'root' && old.length < facts.roles.root.keyids.length)
      throw missingKeys('root', old.length, facts.roles.root.keyids.length, 'a new root names all of them');
    const made = role === null ? [] : this.keys.make(role, role === 'root' ? facts.roles.root.keyids.length : 1);
    const roles: RootRoles = {
      root: role === 'root' ? { keys: made, threshold: current.root.threshold } : current.root,
      targets: role === 'targets' ? made : current.targets,
      online: role === 'online' ? made : current.online,
    };
    const signers = role === 'root' ? [...old, ...made] : old;
    const version = facts.version + 1;
    this.putRoot(signedRoot(roles, this.expiries.rootDays, signers, { version, now }));
    const retired = role === null ? [] : role === 'root' ? old : current[role];
    // A crash before this leaves keys that no root names, which are passed over.
    this.keys.retire(retired);
    if (role === 'targets') this.commit(this.targets.targets, this.targets.withdrawn, now);
    else if (role === 'online') this.refresh(now);
    return { version, made: made.map(({ file }) => file) };
  }

  /** @throws UsherError `store-unavailable` */
  write(name: string, bytes: Uint8Array, readers: 'owner' | 'public'): void {
    try {
      writeDurably(path.join(this.dir, name), bytes, readers);
    } catch (error) {
      throw new UsherError('store-unavailable', `${path.join(this.dir, name)}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Null where there is none. */
  readOptional(name: string): Buffer | null {
    try {
      return readFileSync(path.join(this.dir, name));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw new UsherError('store-unavailable', `${path.join(this.dir, name)}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** A file of the repository. @throws UsherError `data-invalid` */
  read(file: string): Buffer {
    const bytes = this.readOptional(path.join('repository', file));
    if (bytes !== null) return bytes;
    throw new UsherError('data-invalid', `${file} is missing from ${this.repository}`, {
      remedy: 'Put back a backup of the fleet’s folder.',
    });
  }

  private current(): { readonly targets: SignedFile; readonly snapshot: SignedFile; readonly timestamp: number } {
    const timestamp = readTimestamp(this.read(metadataPath('timestamp', null)));
    const snapshot = this.read(metadataPath('snapshot', timestamp.snapshot));
    const targets = readSnapshot(snapshot).targets;
    return {
      timestamp: timestamp.version,
      snapshot: { version: timestamp.snapshot, bytes: snapshot },
      targets: { version: targets, bytes: this.read(metadataPath('targets', targets)) },
    };
  }

  private sign(
    targets: SignedFile,
    before: { snapshot: SignedFile; timestamp: number; targets: SignedFile },
    now: number,
  ): void {
    const online = this.onlineKeys();
    const { targetsDays, timestampDays } = this.expiries;
    const snapshot = signedSnapshot(targets, targetsDays, online, { version: before.snapshot.version + 1, now });
    const timestamp = signedTimestamp(snapshot, timestampDays, online, { version: before.timestamp + 1, now });
    this.putSigned(targets, snapshot, timestamp);
  }

  private putRoot({ version, bytes }: SignedFile): void {
    this.write(path.join('repository', metadataPath('root', version)), bytes, 'public');
    // For the boxes: what fleet.root of their configuration names.
    this.write('root.json', bytes, 'public');
  }

  private putSigned(targets: SignedFile, snapshot: SignedFile, timestamp: SignedFile): void {
    const put = (role: string, version: number | null, bytes: Buffer): void =>
      this.write(path.join('repository', metadataPath(role, version)), bytes, 'public');
    mkdirSync(path.join(this.repository, 'targets'), { recursive: true });
    put('targets', targets.version, targets.bytes);
    put('snapshot', snapshot.version, snapshot.bytes);
    put('timestamp', null, timestamp.bytes);
  }

  private isOld(expires: number, days: number, now: number): boolean {
    return expires - now < days * 86_400_000 * RENEW_SHARE;
  }
}
