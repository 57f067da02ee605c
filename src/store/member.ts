import { UsherError } from '../errors';

export const MEMBER_STATUSES = ['active', 'suspended'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** `picture` and `camera`: enrolled. `adapted`: taken over from an accepted frame at the door. */
export type TemplateSource = 'picture' | 'camera' | 'adapted';

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly status: MemberStatus;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
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

const ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
const NAME_MAX = 200;

/** @throws UsherError `usage` */
export function checkMemberId(id: string): string {
  if (!ID_PATTERN.test(id))
    throw new UsherError('usage', `"${id.slice(0, 80)}" is no member id`, {
      remedy: 'Use 1 to 64 of the characters A-Z a-z 0-9 . _ -',
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

/** @throws UsherError `data-invalid` */
export function checkTemplate({ space, vector, quality }: NewTemplate): void {
  if (space === '' || vector.length === 0 || !vector.every(Number.isFinite) || !Number.isFinite(quality))
    throw new UsherError('data-invalid', 'a template without space, or with a value that is not a finite number');
}
