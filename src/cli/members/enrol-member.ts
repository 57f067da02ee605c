import {
  type EnrolmentPicture,
  type EnrolmentVerdict,
  judgeEnrolment,
  type Lookalike,
} from '../../access/members/enrolment';
import { requireConsent } from '../../access/consent';
import { Gallery } from '../../access/members/gallery';
import type { ThresholdRow } from '../../access/members/thresholds';
import type { SecurityConfig } from '../../config/schema/security';
import { UsherError } from '../../errors';
import { canonicalIdentifier } from '../../identifier';
import {
  checkMemberId,
  checkMemberName,
  type Consent,
  type Member,
  type TemplateSource,
} from '../../store/members/member';
import type { Store } from '../../store/store';
import { vectorFault, type VectorShape } from '../../store/members/vector';
import { describeVerdict } from './enrol-report';

export interface EnrolRequest {
  readonly id: string;
  /** May be undefined for a member who exists and is enrolled again. */
  readonly name: string | undefined;
  /** Continue although another member is probably the same person. */
  readonly force: boolean;
  /** Replace the old templates. */
  readonly replace: boolean;
  /** Keep templates for other encoders. */
  readonly keepOthers?: boolean;
  readonly source: TemplateSource;
  /** Consent given with this enrolment. Null: the one on record is required. */
  readonly consent: Consent | null;
  readonly consentRule: SecurityConfig['consent'];
}

/** Facts of the encoder that made the vectors. */
export interface EncoderFacts extends VectorShape {
  readonly space: string;
  readonly table: readonly ThresholdRow[];
}

export interface Enrolled extends EnrolmentVerdict {
  readonly member: Member;
}

/**
 * Checks what can be refused before a camera or a network is started.
 * @throws UsherError `usage` (consent too), `member-exists`
 */
export function checkEnrolRequest(store: Store, request: EnrolRequest): void {
  const existing = store.members.find(checkMemberId(request.id));
  if (request.name !== undefined) checkMemberName(request.name);
  if (existing !== null && !request.replace)
    throw new UsherError('member-exists', `member ${existing.id} (${existing.name}) already exists`, {
      remedy: 'Choose another id, or add --replace to enrol this member again.',
    });
  if (existing === null && request.name === undefined)
    throw new UsherError('usage', `member ${request.id} is new and needs a name`, {
      remedy: 'Give --name "First Last".',
    });
  requireConsent(request.consent, existing?.consent ?? null, request.consentRule);
}

/**
 * Judges the pictures and writes member and templates in one transaction.
 * @throws UsherError `face-unsuitable` if no picture is usable or another member is probably the same person; also what
 * the store throws
 */
export function enrolMember(
  store: Store,
  asked: EnrolRequest,
  pictures: readonly EnrolmentPicture[],
  encoder: EncoderFacts,
): Enrolled {
  // The form in which they are stored. The member's own templates are left out: they must not count as another
  // person's.
  const request = { ...asked, id: store.members.idOf(asked.id) ?? canonicalIdentifier(asked.id) };
  const gallery = new Gallery(encoder.space, encoder.dimensions);
  // A broken template cannot be compared. It must not stop the enrolment of others.
  const { templates: readable } = store.templates.readSpace(encoder.space);
  gallery.replaceAll(readable.filter(({ vector }) => vectorFault(vector, encoder) === null));
  const verdict = judgeEnrolment({ member: request.id, pictures, gallery, table: encoder.table });
  if (verdict.accepted.length === 0) throw nothingLeft(request.id, verdict);
  if (verdict.lookalike?.duplicate === true && !request.force) throw alreadyEnrolled(store, verdict.lookalike);

  for (const { name, vector } of verdict.accepted) requireVector(name, vector, encoder);
  const templates = verdict.accepted.map(({ vector, quality }) => ({
    space: encoder.space,
    vector,
    quality: quality.score,
    source: request.source,
  }));
  const member = store.atomically(() => {
    checkEnrolRequest(store, request);
    const consent = request.consent ?? undefined;
    if (store.members.find(request.id) === null)
      return store.members.add({ id: request.id, name: request.name ?? '', consent }, templates);
    if (request.keepOthers) {
      const { space } = encoder;
      store.templates.removeInSpace(request.id, space);
      store.templates.add(request.id, templates);
    } else store.templates.replace(request.id, templates);
    return store.members.update(request.id, { name: request.name, consent });
  });
  return { ...verdict, member };
}

/** The encoder failed, not the picture. Such a vector must not become a template, since every face would be near it. */
function requireVector(picture: string, vector: Float32Array, shape: VectorShape): void {
  const fault = vectorFault(vector, shape);
  if (fault !== null)
    throw new UsherError('model-invalid', `the encoder’s output for ${picture} has ${fault}`, {
      remedy: 'Check the models with `usher doctor`, or run them on another execution provider (inference.providers).',
    });
}

function nothingLeft(id: string, { pictures }: EnrolmentVerdict): UsherError {
  const lines = pictures.map((picture) => `  ${describeVerdict(picture)}`);
  const mixed = pictures.some((picture) => !picture.accepted && picture.refusal.reason === 'different-person');
  return new UsherError(
    'face-unsuitable',
    [`${id} is not enrolled because no picture can be used:`, ...lines].join('\n'),
    {
      remedy: mixed
        ? 'Give pictures of one person only. With three or more, pictures that differ from the majority are left out.'
        : 'Use sharp, evenly lit pictures of this one person from the front, the face filling a third of the picture.',
    },
  );
}

function alreadyEnrolled(store: Store, { member, picture, distance }: Lookalike): UsherError {
  const name = store.members.find(member)?.name ?? '';
  return new UsherError(
    'face-unsuitable',
    `${picture} is very similar to member ${member} (${name}), probably the same person (distance ${distance.toFixed(3)})`,
    {
      remedy:
        'If this is that member, use --replace with that id. If they are two people, add --force; each may then be taken for the other.',
    },
  );
}
