import { UsherError } from '../../errors';
import { vectorFault, type VectorShape } from './vector';
import { canonicalIdentifier } from '../../identifier';

export const MEMBER_STATUSES = ['active', 'suspended'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** `picture` and `camera`: enrolled. `adapted`: from an accepted frame at the door. */
export type TemplateSource = 'picture' | 'camera' | 'adapted';

/** A person's consent to recognition: to which text, when, and who recorded it. */
export interface Consent {
  readonly textVersion: string;
  readonly by: string;
  /** Epoch ms. */
  readonly at: number;
}

export interface Member {
  /** Also the content of the member's card. */
  readonly id: string;
  readonly name: string;
  readonly status: MemberStatus;
  /** Used in the rules of a door; sorted. */
  readonly groups: readonly string[];
  /** Epoch ms: from then on, and up to then (exclusive). Null: no limit. */
  readonly validFrom: number | null;
  readonly validUntil: number | null;
  /** Further identifiers that open like the id and raise a silent alarm; sorted. No two members share one. */
  readonly duressIds: readonly string[];
  /** Null for members who were enrolled before consent was recorded. */
  readonly consent: Consent | null;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When the face was last enrolled. */
  readonly enrolledAt: number;
  /** Start of the UTC day of the last grant: enough for retention, without a record of movements. */
  readonly lastSeenAt: number | null;
}

/** Fields of a member that are set at enrolment and can be changed later. */
export interface MemberFields {
  readonly name?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly validFrom?: number | null | undefined;
  readonly validUntil?: number | null | undefined;
  readonly duressIds?: readonly string[] | undefined;
  readonly consent?: Consent | undefined;
}

export interface NewTemplate {
  /** Embedding space id. */
  readonly space: string;
  readonly vector: Float32Array;
  /** 0..1, the quality score of the face it was made from. */
  readonly quality: number;
  readonly source: TemplateSource;
}

export interface StoredTemplate extends NewTemplate {
  readonly id: number;
  readonly member: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** A template that cannot be used, and why. */
export interface BrokenTemplate extends Omit<StoredTemplate, 'vector'> {
  readonly fault: string;
}

/** What a reader can send. Its first character may also be one that only a person can type. */
export const MEMBER_ID = /^[A-Za-z0-9._-][A-Za-z0-9._:-]{0,63}$/;
const GROUP_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const NAME_MAX = 200;
const GROUPS_MAX = 32;
const DURESS_IDS_MAX = 8;
const CONSENT_TEXT_MAX = 64;
/** Latest time that a Date can hold. */
const TIME_MAX = 8.64e15;

/** @throws UsherError `usage` */
export function checkMemberId(id: string): string {
  if (!MEMBER_ID.test(id))
    throw new UsherError('usage', `"${id.slice(0, 80)}" is not a member id`, {
      remedy: 'Use 1 to 64 of the characters A-Z a-z 0-9 . _ : -, as the reader sends it',
    });
  return id;
}

export function memberUnknown(id: string): UsherError {
  return new UsherError('member-unknown', `there is no member ${id.slice(0, 80)}`, {
    remedy: 'See `usher members list`.',
  });
}

/** A name as people write it: trimmed, one line. @throws UsherError `usage` */
export function checkMemberName(name: string): string {
  const trimmed = name.normalize('NFC').trim();
  if (trimmed === '' || trimmed.length > NAME_MAX || /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(trimmed))
    throw new UsherError('usage', 'a member’s name must be one line of 1 to 200 characters', {
      remedy: 'Give --name "First Last".',
    });
  return trimmed;
}

/** @param shape of the space, if known @throws UsherError `data-invalid` */
export function checkTemplate({ space, vector, quality }: NewTemplate, shape?: VectorShape): void {
  const fault =
    space === ''
      ? 'no embedding space'
      : !(quality >= 0 && quality <= 1)
        ? 'a quality that is not between 0 and 1'
        : vectorFault(vector, shape);
  if (fault !== null)
    throw new UsherError('data-invalid', `a template has ${fault}`, {
      remedy: 'A face cannot give such a template: enrol the member again from pictures.',
    });
}

/** Checks the given fields, and adds none. Lists are returned sorted, without repeats. @throws UsherError `usage` */
export function checkFields(id: string, fields: MemberFields): MemberFields {
  const { name, groups, validFrom, validUntil, duressIds, consent } = fields;
  const refuse = (message: string, remedy: string): UsherError => new UsherError('usage', message, { remedy });
  const bad = groups?.find((group) => !GROUP_PATTERN.test(group));
  if (bad !== undefined || (groups?.length ?? 0) > GROUPS_MAX)
    throw refuse(
      bad === undefined ? `${groups?.length ?? 0} groups are too many` : `"${bad.slice(0, 80)}" is not a group name`,
      `At most ${GROUPS_MAX}, each lower-case letters, digits, - and _, at most 63.`,
    );
  for (const time of [validFrom, validUntil])
    if (typeof time === 'number' && !(Number.isInteger(time) && Math.abs(time) <= TIME_MAX))
      throw refuse('validity: not a time', 'Give a date like 2025-12-31.');
  if (typeof validFrom === 'number' && typeof validUntil === 'number' && validFrom >= validUntil)
    throw refuse('the validity ends before it begins', 'Swap --valid-from and --valid-until.');
  duressIds?.forEach(checkMemberId);
  if (duressIds?.some((own) => canonicalIdentifier(own) === canonicalIdentifier(id)) === true)
    throw refuse('a duress id must not be the member id', 'Choose one that only this member knows.');
  if ((duressIds?.length ?? 0) > DURESS_IDS_MAX)
    throw refuse(`${duressIds?.length ?? 0} duress ids are too many`, `At most ${DURESS_IDS_MAX}.`);
  return {
    name: name === undefined ? undefined : checkMemberName(name),
    groups: groups === undefined ? undefined : [...new Set(groups)].sort(),
    validFrom,
    validUntil,
    duressIds: duressIds === undefined ? undefined : [...new Set(duressIds)].sort(),
    consent: consent === undefined ? undefined : checkConsent(consent),
  };
}

/** @throws UsherError `usage` */
export function checkConsent({ textVersion, by, at }: Consent): Consent {
  const line = /^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u;
  const text = textVersion.normalize('NFC').trim();
  const who = by.normalize('NFC').trim();
  if (!line.test(text) || text.length > CONSENT_TEXT_MAX || !line.test(who) || who.length > NAME_MAX)
    throw new UsherError('usage', 'a consent needs the version of its text and who took it, one line each', {
      remedy: 'Give --consent-text VERSION --consent-by WHO.',
    });
  if (!Number.isInteger(at) || Math.abs(at) > TIME_MAX) throw new UsherError('usage', 'a consent without a time');
  return { textVersion: text, by: who, at };
}
