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
  trial: z
    .strictObject({
      shadowSeconds: z
        .number()
        .min(1)
        .max(86_400)
        .default(30)
        .describe('A new model looks at live input beside the running one for so long before it may decide'),
      probationSeconds: z
        .number()
        .min(1)
        .max(604_800)
        .default(600)
        .describe('It then decides for so long, the running one ready to step in, before it stays'),
      minAgreement: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('Share of frames on which both must make the same decision'),
      latencyRatio: z.number().min(1).max(100).default(2).describe('It may be slower than the running one by so much'),
      latencyMs: z
        .number()
        .min(1)
        .max(10_000)
        .default(150)
        .describe('… or take so long from frame to answer (95th percentile)'),
      maxStepIns: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('Share of frames on probation for which the running one may have to step in, since it was late'),
      memoryMiB: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(256)
        .describe('Resident memory beyond that of the running model’s process'),
      startSeconds: z
        .number()
        .min(1)
        .max(3600)
        .default(900)
        .describe('Time to load it; a TensorRT engine build takes minutes'),
    })
    .prefault({})
    .describe('What a new model must stand before it replaces the running one'),
});
export type TrialConfig = FleetConfig['trial'];
export type FleetConfig = z.infer<typeof FleetConfig>;
