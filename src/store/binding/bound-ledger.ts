import { UsherError } from '../../errors';
import {
  type Agreement,
  compare,
  type Contradiction,
  CONTRADICTIONS,
  readBinding,
  writeBinding,
} from '../journal/binding';
import type { Database } from '../database/database';
import type { Journal } from '../journal/journal';
import type { JournalBody } from '../journal/journal-body';
import type { JournalRecord } from '../journal/journal-chain';
import { type Ledger } from '../journal/ledger';

/** Attempts of a reader to compare: another process may have changed one of the two in between. */
const LOOKS = 5;

/**
 * The journal as the ledger of one members' data: it numbers every change, and refuses to continue a history that does
 * not belong to these members.
 */
export class BoundLedger implements Ledger {
  private numbered = { transaction: -1, epoch: 0 };
  private contradiction: Contradiction | null = null;

  constructor(
    private readonly database: Database,
    readonly journal: Journal,
  ) {}

  /** Number of the last change of the members. */
  get epoch(): number {
    return readBinding(this.database)?.epoch ?? 0;
  }

  get contradicted(): Contradiction | null {
    return this.contradiction;
  }

  /**
   * Compares the two, and binds them if they were never bound.
   * @returns the records of a change that the journal has and the members' data lacks, because of a crash in between
   */
  settle(readonly: boolean): readonly JournalRecord[] {
    let agreement = this.compare();
    // A change that another process is writing looks like a contradiction, so wait for its transaction.
    if (agreement.state !== 'agreed' && !readonly)
      agreement = this.database.transaction(() => this.bind(this.compare()));
    for (let look = 1; look < LOOKS && agreement.state === 'contradicted' && readonly; look++)
      agreement = this.compare();
    this.contradiction = agreement.state === 'contradicted' ? agreement.why : null;
    return agreement.state === 'journal-ahead' && !readonly ? this.journal.changesOf(this.epoch + 1) : [];
  }

  /** Compares again if the two did not agree. @throws UsherError `store-unavailable` while they do not */
  requireAgreed(): void {
    if (this.contradiction === null) return;
    const agreement = this.compare();
    this.contradiction = agreement.state === 'contradicted' ? agreement.why : null;
    if (this.contradiction !== null) throw contradictionError(this.contradiction);
  }

  append(kind: Parameters<Ledger['append']>[0], body: JournalBody): JournalRecord {
    return this.database.transaction(() => {
      if (this.contradiction !== null) throw contradictionError(this.contradiction);
      if (this.database.transactions !== this.numbered.transaction)
        this.numbered = { transaction: this.database.transactions, epoch: this.epoch + 1 };
      const { epoch } = this.numbered;
      const record = this.journal.append(kind, { ...body, epoch });
      const { seq, hash } = record;
      writeBinding(this.database, { journal: this.journal.id, epoch, head: { seq, hash } });
      return record;
    });
  }

  /** From now on these two belong together, whatever came before. Call it within a transaction. */
  accept(): void {
    const { lastEpoch, settledEpoch } = this.journal.facts();
    // A start may have seen a change whose record is already deleted.
    const epoch = Math.max(this.epoch, lastEpoch ?? 0, settledEpoch ?? 0);
    writeBinding(this.database, { journal: this.journal.id, epoch, head: this.journal.head() });
    this.contradiction = null;
  }

  close(): void {
    this.journal.close();
  }

  private bind(agreement: Agreement): Agreement {
    if (agreement.state !== 'unbound') return agreement;
    writeBinding(this.database, { journal: this.journal.id, epoch: 0, head: this.journal.head() });
    return { state: 'agreed' };
  }

  private compare(): Agreement {
    const empty = this.database.number('SELECT count(*) FROM members') === 0;
    return compare(readBinding(this.database), this.journal.facts(), empty);
  }
}

export function contradictionError(why: Contradiction): UsherError {
  return new UsherError('store-unavailable', CONTRADICTIONS[why], {
    remedy:
      'No person is admitted meanwhile. If the data was restored on purpose, run `usher members accept`: members who were deleted since stay deleted. Otherwise restore the right file.',
  });
}
