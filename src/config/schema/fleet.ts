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
      'The root of trust of the fleet (root.json of `usher fleet init`); relative to this file. null: the box takes no updates',
    ),
  groups: z
    .array(Name.refine((name) => name !== 'all', 'every box is in "all" anyway'))
    .max(15)
    .default([])
    .describe('Groups of the fleet that this box is in, in addition to "all"'),
  source: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('https').describe('From a web server'),
        url: z
          .string()
          .max(2048)
          .regex(/^https?:\/\/[^\s]+$/, 'https://… or http://…')
          .describe('Address of the repository folder. What counts are the signatures, not the server'),
      }),
      z.strictObject({ type: z.literal('mqtt').describe('From the broker, as retained messages') }),
    ])
    .default({ type: 'mqtt' })
    .describe('How the bytes of a release reach this box: over HTTPS, or in parts over the broker'),
  maxKbitPerSecond: z
    .number()
    .int()
    .min(8)
    .max(1_000_000)
    .default(4000)
    .describe('Limit for the download of a release. While a door decides, the download pauses'),
  trial: z
    .strictObject({
      shadowSeconds: z
        .number()
        .min(1)
        .max(86_400)
        .default(30)
        .describe('Time for which a new model sees live input in parallel with the running one before it may decide'),
      probationSeconds: z
        .number()
        .min(1)
        .max(604_800)
        .default(600)
        .describe('Time for which it then decides, with the old one ready to step in, before it is kept'),
      minAgreement: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('Share of frames on which both must make the same decision')
        .meta({ unit: 'share, 0 to 1' }),
      latencyRatio: z
        .number()
        .min(1)
        .max(100)
        .default(2)
        .describe('Limit for its time from frame to answer, as a multiple of that of the running one')
        .meta({ unit: 'times' }),
      latencyMs: z
        .number()
        .min(1)
        .max(10_000)
        .default(150)
        .describe('It may always take this time from frame to answer (95th percentile), whatever latencyRatio says'),
      maxStepIns: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe(
          'Share of frames on probation for which the old model may have to step in because the new one was late',
        )
        .meta({ unit: 'share, 0 to 1' }),
      memoryMiB: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(256)
        .describe('Resident memory that its process may use beyond that of the running model’s process'),
      startSeconds: z
        .number()
        .min(1)
        .max(3600)
        .default(900)
        .describe('Time to load it. A TensorRT engine build takes minutes'),
    })
    .prefault({})
    .describe('What a new model must pass before it replaces the running one'),
});
export type TrialConfig = FleetConfig['trial'];
export type FleetConfig = z.infer<typeof FleetConfig>;
