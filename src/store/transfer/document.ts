import { z } from 'zod';
import { UsherError } from '../../errors';
import { MEMBER_STATUSES, type Member, type NewTemplate } from '../members/member';

export const TRANSFER_LIMITS = { members: 200_000, templates: 64, dimensions: 4096 } as const;

const Time = z.number().int().min(-8.64e15).max(8.64e15);
const Text = (max: number) => z.string().min(1).max(max);

const Template = z.strictObject({
  space: Text(128),
  /** float32, little-endian, base64 */
  vector: z
    .base64()
    .min(8)
    .max(Math.ceil(TRANSFER_LIMITS.dimensions / 3) * 16 + 4),
  quality: z.number().min(0).max(1),
  source: z.enum(['picture', 'camera', 'adapted']),
});

const TransferMember = z.strictObject({
  id: Text(64),
  name: Text(200),
  status: z.enum(MEMBER_STATUSES),
  groups: z.array(Text(63)).max(32),
  validFrom: Time.nullable(),
  validUntil: Time.nullable(),
  duressIds: z.array(Text(64)).max(8),
  consent: z.strictObject({ textVersion: Text(64), by: Text(200), at: Time }).nullable(),
  enrolledAt: Time,
  templates: z.array(Template).max(TRANSFER_LIMITS.templates),
});
export type TransferMember = z.infer<typeof TransferMember>;

const TransferDocument = z.strictObject({
  v: z.literal(1),
  at: Time,
  members: z.array(TransferMember).max(TRANSFER_LIMITS.members),
});
export type TransferDocument = z.infer<typeof TransferDocument>;

/** @throws UsherError `data-invalid`, naming the first fault, never a value */
export function parseTransfer(plain: Buffer): TransferDocument {
  let value: unknown;
  try {
    value = JSON.parse(plain.toString('utf8'));
  } catch {
    throw new UsherError('data-invalid', 'the export contains no JSON');
  }
  const result = TransferDocument.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UsherError('data-invalid', `the export: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

export function transferOf(member: Member, templates: readonly NewTemplate[]): TransferMember {
  return {
    id: member.id,
    name: member.name,
    status: member.status,
    groups: [...member.groups],
    validFrom: member.validFrom,
    validUntil: member.validUntil,
    duressIds: [...member.duressIds],
    consent: member.consent,
    enrolledAt: member.enrolledAt,
    templates: templates.map(({ space, vector, quality, source }) => ({
      space,
      vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'),
      quality,
      source,
    })),
  };
}

/** @throws UsherError `data-invalid` */
export function templatesOf({ id, templates }: TransferMember): NewTemplate[] {
  return templates.map(({ space, vector, quality, source }) => {
    const bytes = Buffer.from(vector, 'base64');
    if (bytes.length === 0 || bytes.length % 4 !== 0)
      throw new UsherError('data-invalid', `the export: member ${id} has a template that is not a vector`);
    const floats = new Float32Array(bytes.length / 4);
    for (let i = 0; i < floats.length; i += 1) floats[i] = bytes.readFloatLE(i * 4);
    bytes.fill(0);
    return { space, vector: floats, quality, source };
  });
}
