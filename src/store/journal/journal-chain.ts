import { sha256Hex } from '../../digest';

/** One entry of the journal. `hash` covers all other fields, `prev` is the hash of the previous record. */
export interface JournalRecord {
  /** From 1, without gaps. */
  readonly seq: number;
  /** Epoch ms of this box's clock, which may have been wrong. */
  readonly at: number;
  readonly kind: string;
  /** Canonical JSON (RFC 8785). */
  readonly body: string;
  /** Hex SHA-256. */
  readonly prev: string;
  readonly hash: string;
}

/** The end of the chain. Whoever knows it can detect a change of any earlier record. */
export type JournalHead = Pick<JournalRecord, 'seq' | 'hash'>;

export const GENESIS_PREV = '0'.repeat(64);
const DOMAIN = 'usher-journal-v1\n';

/**
 * SHA-256 of `usher-journal-v1\n` and the record's canonical JSON `{at, body, kind, prev, seq}`: with the exported
 * record, any JSON library can compute it. The body's stored text is used unchanged, so that every byte of it is
 * covered.
 */
export function hashOf({ seq, at, kind, body, prev }: Omit<JournalRecord, 'hash'>): string {
  const text = `{"at":${at},"body":${body},"kind":${JSON.stringify(kind)},"prev":"${prev}","seq":${seq}}`;
  return sha256Hex(DOMAIN, text);
}

/** The record that follows `head`. */
export function chained(head: JournalHead, entry: Pick<JournalRecord, 'at' | 'kind' | 'body'>): JournalRecord {
  const record = { seq: head.seq + 1, ...entry, prev: head.hash };
  return { ...record, hash: hashOf(record) };
}

/**
 * - `changed`: the content does not give the hash.
 * - `missing`: numbers left out.
 * - `unlinked`: does not follow from the record before: something was taken out, put in or exchanged here.
 * - `beginning`: the first record is not a genesis. Records that were pruned by rule are no fault: a later record says up to which.
 * - `repeated`: an event number that was there before.
 * - `truncated`: the journal ends before a head that is known.
 * - `rewritten`: another record stands where the known head was.
 */
export type Fault = 'changed' | 'missing' | 'unlinked' | 'beginning' | 'repeated' | 'truncated' | 'rewritten';

export interface Finding {
  readonly fault: Fault;
  readonly from: number;
  readonly to: number;
}

/**
 * Follows a chain record by record. After a fault it continues from what is stored, so that each damaged place is found
 * and undamaged parts are not reported.
 */
export class ChainCheck {
  readonly findings: Finding[] = [];
  private last: JournalHead = { seq: 0, hash: GENESIS_PREV };
  private lastEvent = 0;
  /** Where the stored chain starts, if not at its beginning. That is valid if a record of the chain itself says so. */
  private setsInAfter: JournalHead | null = null;
  private readonly heads: JournalHead[];

  /** @param known heads kept elsewhere: MQTT, an export, paper */
  constructor(known: readonly JournalHead[] = []) {
    this.heads = [...known].sort((a, b) => a.seq - b.seq);
  }

  get head(): JournalHead {
    return this.last;
  }

  next(record: JournalRecord): void {
    const { seq } = record;
    if (this.last.seq === 0 && seq > 1) this.setIn({ seq: seq - 1, hash: record.prev });
    else if (seq > this.last.seq + 1) this.found('missing', this.last.seq + 1, seq - 1);
    // Across missing numbers no link can be expected, and at the beginning there is no previous record.
    else if (record.prev !== this.last.hash) this.found('unlinked', seq);
    if (seq === 1 && record.kind !== 'genesis') this.found('beginning', seq);
    if (record.kind === 'pruned') this.checkPruned(record.body);
    if (hashOf(record) !== record.hash) this.found('changed', seq);
    this.checkEvent(record);
    for (; this.heads[0] !== undefined && this.heads[0].seq <= seq; this.heads.shift())
      if (this.heads[0].seq === seq && this.heads[0].hash !== record.hash) this.found('rewritten', seq);
    this.last = { seq, hash: record.hash };
  }

  end(): void {
    if (this.setsInAfter !== null) this.findings.unshift({ fault: 'missing', from: 1, to: this.setsInAfter.seq });
    const furthest = this.heads.at(-1);
    if (furthest !== undefined) this.found('truncated', this.last.seq + 1, furthest.seq);
  }

  /** Records before the start of the stored chain cannot be compared with a known head. */
  private setIn(before: JournalHead): void {
    this.setsInAfter = before;
    while (this.heads[0] !== undefined && this.heads[0].seq < before.seq) this.heads.shift();
    if (this.heads[0]?.seq === before.seq && this.heads.shift()?.hash !== before.hash)
      this.found('rewritten', before.seq);
  }

  /** Whoever deletes the first records cannot record it inside the chain without breaking it. */
  private checkPruned(body: string): void {
    const stated = headIn(body);
    if (stated?.seq === this.setsInAfter?.seq && stated?.hash === this.setsInAfter?.hash) this.setsInAfter = null;
  }

  /** Published events have their own number; consumers rely on its uniqueness. */
  private checkEvent({ seq, kind, body }: JournalRecord): void {
    if (kind !== 'decision' && kind !== 'event' && kind !== 'alarm') return;
    const event = eventOf(body);
    if (event === null || event <= this.lastEvent) this.found('repeated', seq);
    else this.lastEvent = event;
  }

  private found(fault: Fault, from: number, to = from): void {
    const previous = this.findings.at(-1);
    const before = previous?.fault === fault ? previous : this.findings.findLast((finding) => finding.fault === fault);
    // One finding for each stretch: a renumbered end is one fault, not a thousand.
    if (before?.to === from - 1) this.findings[this.findings.indexOf(before)] = { ...before, to };
    else this.findings.push({ fault, from, to });
  }
}

/** The head in a record of kind `pruned`. */
function headIn(body: string): JournalHead | null {
  try {
    const { upTo, hash } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return typeof upTo === 'number' && typeof hash === 'string' ? { seq: upTo, hash } : null;
  } catch {
    return null;
  }
}

function eventOf(body: string): number | null {
  try {
    const seq = (JSON.parse(body) as Readonly<Record<string, unknown>> | null)?.['seq'];
    return Number.isSafeInteger(seq) ? (seq as number) : null;
  } catch {
    return null;
  }
}
