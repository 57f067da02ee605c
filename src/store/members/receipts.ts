import { randomBytes } from 'node:crypto';
import type { Database, Row } from '../database/database';
import { sha256Hex } from '../../digest';

export const DELETION_REASONS = ['removed', 'revoked', 'withdrawal', 'inactive', 'expired', 'replaced'] as const;
export type DeletionReason = (typeof DELETION_REASONS)[number];

export const DELETION_DOMAIN = 'usher-deletion-v1';

/**
 * Signs in the name of this box. `DeviceKey` implements it; `sign` covers the canonical text of the statement under the
 * domain.
 */
export interface ReceiptSigner {
  readonly keyId: string;
  sign(domain: typeof DELETION_DOMAIN, statement: DeletionStatement): string;
}

/**
 * A deletion receipt. It proves that a member was deleted to those who know the id, and contains nothing about the
 * person.
 */
export type DeletionStatement = Readonly<{
  v: 1;
  /**
   * SHA-256 over salt and id. Whoever tries all ids of a small set finds it; it only hides the id from a casual reader.
   */
  member: string;
  salt: string;
  /** Epoch ms. */
  at: number;
  by: string;
  reason: DeletionReason;
  /** Numbers of what was destroyed. The key is the one that opened the rest, in every copy made under it. */
  deleted: Readonly<{ keys: number; templates: number; spaces: readonly string[]; duressIds: number }>;
  /** Id of the key that signed; null without a signature. */
  key: string | null;
}>;

export interface DeletionReceipt extends DeletionStatement {
  readonly sig: string | null;
}

/** Receipts of deletions, kept after all other data of the member is deleted. */
export class ReceiptStore {
  constructor(
    private readonly database: Database,
    private readonly signer: ReceiptSigner | null,
  ) {}

  /** Call it in the transaction that deletes. */
  add(id: string, what: Pick<DeletionStatement, 'at' | 'by' | 'reason' | 'deleted'>): DeletionReceipt {
    const salt = this.salt();
    const statement: DeletionStatement = {
      v: 1,
      member: hashOf(salt, id),
      salt,
      ...what,
      key: this.signer?.keyId ?? null,
    };
    const receipt = { ...statement, sig: this.signer?.sign(DELETION_DOMAIN, statement) ?? null };
    this.database.run(
      'INSERT INTO receipts (member, at, receipt) VALUES (?, ?, ?)',
      receipt.member,
      receipt.at,
      JSON.stringify(receipt),
    );
    return receipt;
  }

  /** Oldest first. */
  list(): DeletionReceipt[] {
    return this.database.all('SELECT receipt FROM receipts ORDER BY seq').map(receiptOf);
  }

  /** Of every member who ever had this id here, oldest first. */
  of(id: string): DeletionReceipt[] {
    return this.database
      .all('SELECT receipt FROM receipts WHERE member = ? ORDER BY seq', hashOf(this.salt(), id))
      .map(receiptOf);
  }

  /** One for each store, so that a lookup needs one hash; random, so that receipts of two boxes cannot be linked. */
  private salt(): string {
    const row = this.database.get("SELECT value FROM meta WHERE key = 'receipt-salt'");
    if (row !== undefined) return String(row['value']);
    const salt = randomBytes(16).toString('hex');
    this.database.run("INSERT INTO meta VALUES ('receipt-salt', ?)", salt);
    return salt;
  }
}

/** The stored data of a member, as the receipt of its deletion counts it. */
export function dataOf(database: Database, id: string): DeletionStatement['deleted'] {
  const spaces = database.all('SELECT space, count(*) AS n FROM templates WHERE member = ? GROUP BY space', id);
  const count = (table: string): number =>
    Number(database.get(`SELECT count(*) AS n FROM ${table} WHERE member = ?`, id)?.['n'] ?? 0);
  return {
    keys: count('member_keys'),
    templates: spaces.reduce((sum, row) => sum + Number(row['n']), 0),
    spaces: spaces.map((row) => String(row['space'])),
    duressIds: count('duress_ids'),
  };
}

const receiptOf = (row: Row): DeletionReceipt => JSON.parse(String(row['receipt'])) as DeletionReceipt;

function hashOf(salt: string, id: string): string {
  return sha256Hex(`${DELETION_DOMAIN}\n${salt}\n${id}`);
}
