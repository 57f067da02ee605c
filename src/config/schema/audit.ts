import { z } from 'zod';

/** The record of what happened, and the part of it that waits for the broker. */
export const AuditConfig = z.strictObject({
  outboxMiB: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(64)
    .describe(
      'Bound on the events that wait for the broker (64 MiB holds about 150,000). When it is full, the oldest denials are dropped first, then the oldest grants, alarms last. The journal keeps all the events, and a record of each drop',
    ),
  keepDays: z
    .number()
    .int()
    .min(1)
    .max(36_500)
    .nullable()
    .default(null)
    .describe(
      'Once a day, records of the journal older than this are removed; null keeps them all. The journal says up to where it was cut, and can be verified from there on. Export it first (`usher audit export`) where the law asks for longer',
    ),
});
