import { z } from 'zod';

/** Unknown visitors, told apart for a short while. Off unless asked for: those people gave no consent. */
export const VisitorsConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Tell unknown visitors apart. Those people gave no consent: in many places this is not allowed'),
  ttlHours: z
    .number()
    .min(0.1)
    .max(24)
    .default(8)
    .describe('A visit is forgotten after so many hours; everything is with the (UTC) day and with a restart'),
  method: z.enum(['density', 'k-means']).default('density').describe('How visits are put together'),
  capacity: z.number().int().min(10).max(200).default(200).describe('Visits remembered at most'),
  minFrames: z.number().int().min(1).max(5).default(3).describe('Frames that a visit must rest on'),
});
export type VisitorsConfig = z.infer<typeof VisitorsConfig>;
