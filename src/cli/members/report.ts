import { type Contradiction, CONTRADICTIONS } from '../../store/journal/binding';
import type { Member, StoredTemplate } from '../../store/members/member';
import type { DamagedMember, MemberSummary } from '../../store/members/members';
import type { TemplatesRead } from '../../store/members/template-reader';
import type { DeletionReceipt } from '../../store/members/receipts';
import { tableLines } from '../../terminal/table';

/** What a command reports, for programs and for people. */
export interface Report {
  readonly json: object;
  readonly text: string;
}

const timeOf = (at: number): string => new Date(at).toISOString();
const dayOf = (at: number): string => timeOf(at).slice(0, 10);
const timeOrNull = (at: number | null): string | null => (at === null ? null : timeOf(at));

/** Only the number of duress ids is shown, so that a person who sees the screen cannot learn one. */
export function memberJson(member: Member): object {
  const { id, name, status, groups, consent } = member;
  return {
    id,
    name,
    status,
    groups,
    validFrom: timeOrNull(member.validFrom),
    validUntil: timeOrNull(member.validUntil),
    duressIds: member.duressIds.length,
    consent: consent === null ? null : { ...consent, at: timeOf(consent.at) },
    createdAt: timeOf(member.createdAt),
    updatedAt: timeOf(member.updatedAt),
    enrolledAt: timeOf(member.enrolledAt),
    lastSeenAt: timeOrNull(member.lastSeenAt),
  };
}

/** For a command that changed one member. */
export function changedReport(member: Member): Report {
  return { json: { member: memberJson(member) }, text: `${member.id} (${member.name}) is ${describe(member)}` };
}

/**
 * For a deletion.
 * @param name null if the member could not be read
 */
export function removedReport(id: string, name: string | null, receipt: DeletionReceipt): Report {
  return {
    json: { removed: { id }, receipt },
    text: [
      `${id}${name === null ? '' : ` (${name})`} is deleted, with ${receipt.deleted.templates} templates and their key`,
      `receipt ${receipt.member.slice(0, 16)}…, ${receipt.sig === null ? 'not signed' : `signed by ${receipt.key ?? ''}`}`,
      'Older backups still hold this member, sealed with the box key of that time: see `usher keys rotate-box --help`.',
    ].join('\n'),
  };
}

/**
 * For `members accept-restore`.
 * @param why null if data and journal agree
 */
export function acceptedReport(
  why: Contradiction | null,
  { deleted, suspended }: { readonly deleted: readonly string[]; readonly suspended: readonly string[] },
): Report {
  return {
    json: { accepted: why, deleted, suspended },
    text:
      why === null
        ? 'the members’ data and the journal agree; there is nothing to accept'
        : [
            `accepted: ${CONTRADICTIONS[why]}`,
            `deleted again: ${deleted.length === 0 ? 'none' : deleted.join(', ')}`,
            `suspended because they were changed since: ${suspended.length === 0 ? 'none' : suspended.join(', ')}`,
            ...(suspended.length === 0
              ? []
              : ['  → Correct them with `usher members set`, then `usher members activate`.']),
          ].join('\n'),
  };
}

/** For `members list`, with the members whose data is damaged. */
export function listReport({
  members,
  damaged,
}: {
  readonly members: readonly MemberSummary[];
  readonly damaged: readonly DamagedMember[];
}): Report {
  const rows = members.map(({ id, name, status, templates, createdAt }) => [
    id,
    name,
    status,
    String(templates),
    dayOf(createdAt),
  ]);
  const suspended = members.filter(({ status }) => status === 'suspended').length;
  const unasked = members.filter(({ consent }) => consent === null).length;
  return {
    json: {
      members: members.map((member) => ({ ...memberJson(member), templates: member.templates })),
      ...(damaged.length === 0 ? {} : { damaged }),
    },
    text: [
      ...tableLines([['id', 'name', 'status', 'templates', 'since'], ...rows]),
      `${members.length} ${members.length === 1 ? 'member' : 'members'}, ${suspended} suspended` +
        (unasked === 0 ? '' : `, ${unasked} without a record of consent`),
      ...damaged.map(({ id, fault }) => `${id}: ${fault} (usher members check)`),
    ].join('\n'),
  };
}

/** For `members show`. */
export function showReport(member: Member, { templates, broken }: TemplatesRead): Report {
  const row = ({ id, space, source, quality, createdAt }: StoredTemplate): string[] => [
    String(id),
    space,
    source,
    quality.toFixed(2),
    timeOf(createdAt),
  ];
  const { consent } = member;
  return {
    json: {
      member: memberJson(member),
      // Without the vector: it is biometric data and stays in the store.
      templates: templates.map(({ id, space, source, quality, createdAt }) => ({
        id,
        space,
        source,
        quality,
        createdAt: timeOf(createdAt),
      })),
      ...(broken.length === 0 ? {} : { broken: broken.map(({ id, fault }) => ({ id, fault })) }),
    },
    text: [
      `${member.id} (${member.name}), ${describe(member)}, since ${timeOf(member.createdAt)}`,
      consent === null
        ? 'no consent on record: usher members consent'
        : `consent to text ${consent.textVersion}, taken by ${consent.by} at ${timeOf(consent.at)}`,
      ...broken.map(({ id, fault }) => `template ${id}: ${fault}`),
      ...(templates.length === 0
        ? ['no templates: enrol this member again']
        : tableLines([['template', 'space', 'source', 'quality', 'made'], ...templates.map(row)])),
    ].join('\n'),
  };
}

/** For `members adapted`. */
export function adaptedReport(templates: readonly Omit<StoredTemplate, 'vector'>[]): Report {
  const rows = templates.map(({ id, member, space, quality, createdAt }) => [
    member,
    String(id),
    space,
    quality.toFixed(2),
    timeOf(createdAt),
  ]);
  return {
    json: {
      adapted: templates.map(({ id, member, space, quality, createdAt }) => {
        return { id, member, space, quality, createdAt: timeOf(createdAt) };
      }),
    },
    text: [
      ...(rows.length === 0 ? [] : tableLines([['member', 'template', 'space', 'quality', 'made'], ...rows])),
      `${rows.length} ${rows.length === 1 ? 'template' : 'templates'} from accepted faces`,
    ].join('\n'),
  };
}

/**
 * For `members forget-adapted`.
 * @param forgotten member id → number of templates deleted
 */
export function forgottenReport(forgotten: ReadonlyMap<string, number>): Report {
  const total = [...forgotten.values()].reduce((sum, count) => sum + count, 0);
  return {
    json: { forgotten: Object.fromEntries(forgotten) },
    text: `${total} ${total === 1 ? 'template' : 'templates'} from accepted faces deleted from ${forgotten.size} ${
      forgotten.size === 1 ? 'member' : 'members'
    }; enrolled templates stay`,
  };
}

/** For `members receipts`. */
export function receiptsReport(receipts: readonly DeletionReceipt[]): Report {
  const rows = receipts.map(({ member, at, by, reason, deleted, sig }) => [
    timeOf(at),
    `${member.slice(0, 16)}…`,
    reason,
    by,
    String(deleted.templates),
    sig === null ? 'no' : 'yes',
  ]);
  return {
    json: { receipts },
    text: [
      ...tableLines([['at', 'member', 'reason', 'by', 'templates', 'signed'], ...rows]),
      `${receipts.length} ${receipts.length === 1 ? 'deletion' : 'deletions'}`,
    ].join('\n'),
  };
}

function describe({ status, groups, validFrom, validUntil, duressIds }: Member): string {
  return [
    status,
    ...(groups.length === 0 ? [] : [`in ${groups.join(', ')}`]),
    ...(validFrom === null ? [] : [`valid from ${timeOf(validFrom)}`]),
    ...(validUntil === null ? [] : [`valid until ${timeOf(validUntil)}`]),
    ...(duressIds.length === 0 ? [] : [`${duressIds.length} duress ${duressIds.length === 1 ? 'id' : 'ids'}`]),
  ].join(', ');
}
