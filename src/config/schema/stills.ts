import { z } from 'zod';

/** Stylised pictures of decisions at a door. Off by default: a picture shows more than a decision needs. */
export const StillsConfig = z.strictObject({
  of: z
    .array(z.enum(['denied', 'granted']))
    .min(1)
    .default(['denied'])
    .describe('Decisions of which a still is kept'),
  keepDays: z
    .number()
    .min(0.01)
    .max(365)
    .default(7)
    .describe('A still is deleted after this time, and never later than the record of the decision (audit.keepDays)'),
  maxFiles: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe('How many stills are kept; the oldest are deleted first')
    .meta({ unit: 'files' }),
  maxMb: z
    .number()
    .min(0.1)
    .max(10_000)
    .default(20)
    .describe('Space for stills; the oldest are deleted first. A still of 320 pixels takes about 0.03 MB'),
  sidePx: z.number().int().min(96).max(640).default(320).describe('Longer side of a still'),
  steps: z
    .number()
    .int()
    .min(0)
    .max(500)
    .default(20)
    .describe('Steps of the painting, about half a second each on one core. 0: only the faces are painted over')
    .meta({ unit: 'steps' }),
});
export type StillsConfig = z.infer<typeof StillsConfig>;
