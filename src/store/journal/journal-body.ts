import { messageOf, UsherError } from '../../errors';
import { canonicalJson, type Json } from '../../canonical';

/** The kinds of journal records and their meaning. Add a new kind here. */
export const JOURNAL_KINDS = {
  genesis: 'the journal was created',
  start: 'the daemon was started',
  stop: 'the daemon was stopped normally',
  decision: 'a door was opened or stayed shut; the body is what was published',
  event: 'another logged event; the body is what was published',
  alarm: 'an alarm: duress, forced or held door; the body is what was published',
  enrolment: 'a member was enrolled, or enrolled again',
  adaptation: 'an accepted face was stored as another template of the member',
  member: 'a member was suspended, activated or renamed',
  deletion: 'a member was deleted and the key destroyed',
  consent: 'a member consented; a withdrawal is a deletion',
  transfer: 'members were exported or imported',
  key: 'a key was made, rotated or destroyed',
  training: 'templates of members who consented to it were used to train a head',
  encoding: 'templates were mapped into another embedding space',
  policy: 'a command changed the rules: lockdown, hold-open, an override',
  configuration: 'the daemon runs with another configuration than before',
  model: 'a camera or a microphone runs other models than before',
  still: 'a stylised picture of a decision was stored, could not be stored, or was deleted',
  unrecorded: 'decisions could not be recorded for a while; no grant is among them',
  'outbox-dropped': 'events were dropped because the outbox was full',
  retention: 'old data was marked, or an operator confirmed, stopped or resumed its deletion',
  restore: 'an operator accepted members’ data that the journal contradicted',
  counter: 'an operator set the counter of a reader',
  clock: 'an operator accepted the date of this box',
  pruned: 'records older than the rule allows were deleted; the number and hash of the last of them',
} as const;

export type JournalKind = keyof typeof JOURNAL_KINDS;
export type JournalBody = Readonly<Record<string, Json | undefined>>;

const BODY_MAX_BYTES = 8 * 1024;
const DEPTH_MAX = 4;
const TEXT_MAX = 1024;
const ITEMS_MAX = 64;
/** Keys that name forbidden content; members appear only by id. */
const FORBIDDEN_KEYS = /^(name|names|vector|embedding|descriptor|template|picture|image|photo|crop|pin|secret)$/i;

/**
 * The text of a body. The journal cannot be corrected later, so forbidden content is refused here: names, vectors (any
 * longer row of numbers), pictures (any longer text).
 * @throws UsherError `data-invalid`
 */
export function bodyText(kind: JournalKind, body: JournalBody): string {
  check(kind, body, 0);
  const text = textOf(kind, body);
  if (Buffer.byteLength(text) > BODY_MAX_BYTES) refuse(kind, `more than ${BODY_MAX_BYTES} bytes`);
  return text;
}

function textOf(kind: JournalKind, body: JournalBody): string {
  try {
    return canonicalJson(withoutAbsent(body));
  } catch (error) {
    return refuse(kind, messageOf(error));
  }
}

/** Keys without a value are left out, as JSON does. */
function withoutAbsent(body: JournalBody): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(body).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function check(kind: JournalKind, value: Json | JournalBody | undefined, depth: number): void {
  if (typeof value === 'string' && value.length > TEXT_MAX) refuse(kind, `a text of ${value.length} characters`);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEPTH_MAX) refuse(kind, 'too deeply nested');
  const entries = Object.entries(value as Readonly<Record<string, Json | undefined>>);
  if (entries.length > ITEMS_MAX) refuse(kind, `${entries.length} entries in one place`);
  if (entries.filter(([, entry]) => typeof entry === 'number').length > 16) refuse(kind, 'a row of numbers');
  for (const [key, entry] of entries) {
    if (FORBIDDEN_KEYS.test(key)) refuse(kind, `the key "${key}"`);
    check(kind, entry, depth + 1);
  }
}

function refuse(kind: JournalKind, what: string): never {
  throw new UsherError('data-invalid', `a journal record of kind ${kind} with ${what}`, {
    remedy: 'This is a defect in usher. Please report it.',
  });
}
