import { z } from 'zod';

export const LIVENESS_MODES = ['auto', 'off', 'advise', 'require'] as const;

/** What a door does with a face that looks like a picture. */
export const LivenessConfig = z
  .strictObject({
    mode: z
      .enum(LIVENESS_MODES)
      .default('auto')
      .describe(
        'require: nobody is let in by a face that is not found live. advise: decisions say what was found. off: nothing is judged. auto: advise where the model is installed, else off',
      ),
    frames: z
      .number()
      .int()
      .min(3)
      .max(5)
      .default(3)
      .describe('Judged frames of one person that a verdict must rest on'),
    motion: z
      .enum(['watch', 'require'])
      .default('watch')
      .describe('watch: what moves as a flat picture is fake. require: the head must also have turned as a head does'),
  })
  .prefault({})
  .describe('Whether the face is a person or a picture of one');
export type LivenessConfig = z.infer<typeof LivenessConfig>;
