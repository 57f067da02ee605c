import { z } from 'zod';

/** Unknown visitors, recognised again for a short while. Off by default: those people gave no consent. */
export const VisitorsConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Recognise unknown visitors when they come again. Those people gave no consent: in many places this is not allowed',
    ),
  ttlHours: z
    .number()
    .min(0.1)
    .max(24)
    .default(8)
    .describe('A visit is forgotten after this time. All are forgotten at the end of the UTC day and at a restart'),
  method: z.enum(['density', 'k-means']).default('density').describe('How visits are grouped into visitors'),
  capacity: z
    .number()
    .int()
    .min(10)
    .max(200)
    .default(200)
    .describe('Visits that are remembered at most')
    .meta({ unit: 'visits' }),
  minFrames: z
    .number()
    .int()
    .min(1)
    .max(5)
    .default(3)
    .describe('How many frames a visit needs before it counts')
    .meta({ unit: 'frames' }),
});
export type VisitorsConfig = z.infer<typeof VisitorsConfig>;
