import { z } from 'zod';

/** The record of what happened, and what of it waits for the broker. */
export const AuditConfig = z.strictObject({
  outboxMiB: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(64)
    .describe(
      'Bound on the events that wait for the broker (64 MiB: about 150,000). When full, the oldest denials go first, then the oldest grants, alarms last; the journal keeps a record of each loss, and all the events themselves',
    ),
  keepDays: z
    .number()
    .int()
    .min(1)
    .max(36_500)
    .nullable()
    .default(null)
    .describe(
      'Records of the journal older than this are removed, once a day; null keeps them all. The journal says itself up to where, and can be verified from there on. Export it first (usher audit export) where the law asks for longer',
    ),
});
