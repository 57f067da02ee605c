import { z } from 'zod';

export const LIVENESS_MODES = ['auto', 'off', 'advise', 'require'] as const;

/** What a door does with a face that looks like a picture. */
export const LivenessConfig = z
  .strictObject({
    mode: z
      .enum(LIVENESS_MODES)
      .default('auto')
      .describe(
        'require: a face opens only if it was found to be live. advise: decisions say what was found, and change nothing. off: nothing is judged. auto: advise where the model is installed, else off',
      ),
    frames: z
      .number()
      .int()
      .min(3)
      .max(5)
      .default(3)
      .describe('How many judged frames of one person a verdict needs')
      .meta({ unit: 'frames' }),
    motion: z
      .enum(['watch', 'require'])
      .default('watch')
      .describe(
        'watch: a face that moves as a flat picture does is fake. require: the head must also have turned as a real head does',
      ),
  })
  .prefault({})
  .describe('Whether the face is a person or a picture of one');
export type LivenessConfig = z.infer<typeof LivenessConfig>;
