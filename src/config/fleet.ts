import { z } from 'zod';

const Name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);

/** Where releases come from, and whose word counts. */
export const FleetConfig = z.strictObject({
  root: z
    .string()
    .min(1)
    .max(4096)
    .nullable()
    .default(null)
    .describe(
      'The fleet’s root of trust (root.json of `usher fleet init`); relative to this file. null: no updates are taken',
    ),
  groups: z
    .array(Name.refine((name) => name !== 'all', 'every box is in "all" anyway'))
    .max(15)
    .default([])
    .describe('Groups of the fleet that this box is in, beside "all"'),
  source: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('https'),
        url: z
          .string()
          .max(2048)
          .regex(/^https?:\/\/[^\s]+$/, 'https://… or http://…')
          .describe(
            'Address of the repository folder; its bytes are believed for their signatures, not for the server',
          ),
      }),
      z.strictObject({ type: z.literal('mqtt') }),
    ])
    .default({ type: 'mqtt' })
    .describe('How the bytes of releases come: over HTTPS, or in parts over the broker'),
  maxKbitPerSecond: z
    .number()
    .int()
    .min(8)
    .max(1_000_000)
    .default(4000)
    .describe('How fast a release may be fetched; while a door decides, nothing is'),
});
export type FleetConfig = z.infer<typeof FleetConfig>;
