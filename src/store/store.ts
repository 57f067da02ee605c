import { join } from 'node:path';
import { UsherError } from '../errors';
import { StoreCheck } from './database/check';
import { type Contradiction, readBinding } from './journal/binding';
import { BoundLedger } from './binding/bound-ledger';
import { Database } from './database/database';
import { Journal } from './journal/journal';
import { bodyOf } from './journal/journal-reader';
import type { BoxKeySource } from './keys/box-key';
import { isDamage, Keyring } from './keys/keyring';
import { rotateBoxKey, type Rotated, type RotationStep } from './keys/rotate';
import { boxKeySource } from './keys/source';
import { type Ledger, NO_LEDGER } from './journal/ledger';
import { MemberVault } from './members/member-vault';
import { MemberStore } from './members/members';
import { metaOf, setMetaOf } from './database/meta';
import { migrate } from './migrations';
import { type ReceiptSigner, ReceiptStore } from './members/receipts';
import { Scrubber } from './database/scrub';
import { isSealedFact, SealedFacts } from './keys/sealed-facts';
import { membersSince } from './binding/reconcile';
import { SEALED_CODEC } from './members/template-codec';
import { TemplateStore } from './members/templates';

export interface StoreOptions {
  /** For commands that only show. Like everything here, it works while the daemon runs. */
  readonly readonly?: boolean;
  /** Default: a file in the data folder, created at the first start. */
  readonly boxKey?: BoxKeySource;
  /** Signs deletion receipts; without it they have no signature. */
  readonly signer?: ReceiptSigner;
  /** Records changes; closed with the store. */
  readonly ledger?: Ledger | Journal;
  readonly now?: () => number;
}

const FILE = 'usher.db';

/** Long enough for another command's transaction, short enough not to block the daemon's control process for long. */
const BUSY_TIMEOUT_MS = 2000;

/**
 * Durable data, in `usher.db` of the data folder. Several processes may have it open: `usher enroll` writes while the
 * daemon runs, which notices by `changedElsewhere`.
 */
export class Store {
  readonly templates: TemplateStore;
  readonly members: MemberStore;
  readonly receipts: ReceiptStore;
  readonly check: StoreCheck;
  /** For changes that consist of several, such as an import. */
  readonly ledger: Ledger;
  private readonly bound: BoundLedger | null;
  private readonly scrubber: Scrubber;
  private readonly facts: SealedFacts;

  private constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
    private readonly boxKey: BoxKeySource,
    private dataVersion: number,
    { signer, ledger = NO_LEDGER, now = Date.now }: StoreOptions,
  ) {
    this.bound = ledger instanceof Journal ? new BoundLedger(database, ledger) : null;
    this.ledger = this.bound ?? ledger;
    const vault = new MemberVault(database, keyring);
    this.scrubber = new Scrubber(database);
    this.check = new StoreCheck(database);
    this.facts = new SealedFacts(database, keyring);
    this.receipts = new ReceiptStore(database, signer ?? null);
    const parts = { database, vault, scrubber: this.scrubber, ledger: this.ledger, now };
    this.templates = new TemplateStore(parts, SEALED_CODEC);
    this.members = new MemberStore(parts, this.templates, this.receipts);
  }

  /**
   * Opens the store. Creates or migrates it unless `readonly`, and checks that it is undamaged and that the box key
   * belongs to it.
   * @throws UsherError `store-unavailable`: missing, damaged, newer than this usher, no permission, disk full or
   * read-only; `key-unusable`: no box key, another one, or one that others can read
   */
  static open(dataDir: string, options: StoreOptions = {}): Store {
    const { readonly = false } = options;
    const boxKey = options.boxKey ?? boxKeySource({ source: 'file' }, { dataDir, credentialsDir: null });
    const database = Database.open(join(dataDir, FILE), { readonly, busyTimeoutMs: BUSY_TIMEOUT_MS, journal: 'wal' });
    const keyring = new Keyring(database, boxKey);
    try {
      requireWhole(database);
      migrate({ database, keyring }, { readonly });
      keyring.requireKey();
      const store = new Store(database, keyring, boxKey, database.number('PRAGMA data_version'), options);
      store.settle(readonly);
      if (!readonly) store.scrub();
      return store;
    } catch (error) {
      keyring.dispose();
      database.close();
      throw error;
    }
  }

  get file(): string {
    return this.database.file;
  }

  /**
   * True once after other connections committed something since the last call
   * (https://sqlite.org/pragma.html#pragma_data_version).
   */
  changedElsewhere(): boolean {
    const version = this.database.number('PRAGMA data_version');
    if (version === this.dataVersion) return false;
    this.dataVersion = version;
    return true;
  }

  /** Number of the last change of the members, as the journal counts them. */
  get epoch(): number {
    return this.bound?.epoch ?? 0;
  }

  /** Why these members and the journal contradict each other; null if they agree. */
  get contradiction(): Contradiction | null {
    return this.bound?.contradicted ?? null;
  }

  /** @throws UsherError `store-unavailable` while the members' data and the journal contradict each other */
  requireAgreed(): void {
    this.bound?.requireAgreed();
  }

  /**
   * Accepts members' data that contradicts the journal, because it was restored on purpose. Members who were deleted
   * since are deleted again. Members who were changed since are suspended, since the journal does not contain the new
   * values; so are all members if it does not reach back far enough.
   */
  acceptRestore(by: string): { readonly deleted: readonly string[]; readonly suspended: readonly string[] } {
    const { bound, contradiction } = this;
    if (bound === null || contradiction === null) return { deleted: [], suspended: [] };
    return this.atomically(() => {
      const binding = readBinding(this.database);
      const after = binding?.journal === bound.journal.id ? (binding.head?.seq ?? 0) : null;
      const since = membersSince(bound.journal, after);
      const before = this.epoch;
      bound.accept();
      const ids = new Set(this.members.ids());
      const deleted = [...since.deleted].filter((id) => ids.has(id));
      const unknown = contradiction === 'older-store' && since.gap;
      const doubtful = unknown ? [...ids].filter((id) => !since.enrolled.has(id)) : [];
      const suspended = [...new Set([...since.changed, ...doubtful])].filter(
        (id) => ids.has(id) && !since.deleted.has(id),
      );
      bound.append('restore', {
        change: 'accepted',
        why: contradiction,
        by,
        before,
        after,
        deleted: deleted.length,
        suspended: suspended.length,
      });
      for (const id of deleted) this.members.remove(id, { by, reason: 'removed' });
      for (const id of suspended) this.suspend(id);
      return { deleted, suspended };
    });
  }

  /** Compares with the journal, and finishes a change that a crash interrupted if it keeps a person out. */
  private settle(readonly: boolean): void {
    const { bound } = this;
    if (bound === null) return;
    const cutShort = bound.settle(readonly);
    if (cutShort.length === 0) return;
    this.atomically(() => {
      bound.accept();
      const ids = new Set(this.members.ids());
      for (const record of cutShort) {
        const { member, status } = bodyOf(record);
        if (typeof member !== 'string' || !ids.has(member)) continue;
        if (record.kind === 'deletion') this.members.remove(member, { by: 'recovery', reason: 'removed' });
        else if (record.kind === 'member' && status === 'suspended') this.suspend(member);
      }
    });
  }

  /** A damaged member cannot be changed, and is admitted nowhere. That must not keep others out. */
  private suspend(id: string): void {
    try {
      this.members.update(id, { status: 'suspended' });
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }

  /** Several changes in one transaction. `work` is synchronous. */
  atomically<T>(work: () => T): T {
    const result = this.database.transaction(work);
    this.scrub();
    return result;
  }

  /** Replaces the box key; other processes continue and use the new one by themselves. See `rotateBoxKey`. */
  rotateBoxKey(onStep?: (step: RotationStep) => void): Rotated {
    this.ledger.append('key', { what: 'box-key', change: 'rotation-begun' });
    const rotated = rotateBoxKey(this.database, this.keyring, this.boxKey, onStep);
    const { version, members } = rotated;
    this.ledger.append('key', { what: 'box-key', change: 'rotated', version, members });
    this.database.transaction(() => this.scrubber.note());
    this.scrub();
    return rotated;
  }

  /** Finishes what a deletion could not while others were reading. True if no file contains deleted data any more. */
  scrub(): boolean {
    return this.scrubber.run();
  }

  /** A small fact about this box that must last. @throws UsherError `data-invalid` for a sealed one that was changed */
  meta(key: string): string | null {
    return isSealedFact(key) ? this.facts.get(key) : metaOf(this.database, key);
  }

  setMeta(key: string, value: string): void {
    if (isSealedFact(key)) this.facts.set(key, value);
    else setMetaOf(this.database, key, value);
  }

  close(): void {
    this.keyring.dispose();
    this.database.close();
    this.ledger.close();
  }
}

function requireWhole(database: Database): void {
  const [row] = database.all('PRAGMA quick_check(1)');
  const verdict = row === undefined ? 'no answer' : String(Object.values(row)[0]);
  if (verdict !== 'ok')
    throw new UsherError('store-unavailable', `the store ${database.file} is damaged (${verdict})`, {
      remedy:
        'Restore a backup, or move the file away. Then run `usher members accept`, and enrol missing members again.',
    });
}
