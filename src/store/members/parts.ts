import type { Database } from '../database/database';
import type { Scrubber } from '../database/scrub';
import type { Ledger } from '../journal/ledger';
import type { MemberVault } from './member-vault';

/** What the members and their templates are kept with. */
export interface StoreParts {
  readonly database: Database;
  readonly vault: MemberVault;
  readonly scrubber: Scrubber;
  readonly ledger: Ledger;
  /** Epoch ms. */
  readonly now: () => number;
}
