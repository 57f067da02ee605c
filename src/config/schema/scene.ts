import { z } from 'zod';

export const SceneName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a label of the scene model, like day or night');

const Argv = z
  .array(z.string().max(1024))
  .min(1)
  .max(32)
  .refine(([program]) => program?.startsWith('/') === true, 'the program must be an absolute path')
  .describe('Program and arguments; run without a shell');

/** What a camera does with the scene that it sees as a whole. */
export const SceneConfig = z
  .strictObject({
    mode: z.enum(['auto', 'off']).default('auto').describe('auto: watched where a scene model is installed'),
    everyMs: z
      .number()
      .int()
      .min(500)
      .max(3_600_000)
      .default(5000)
      .describe('How often the whole picture is looked at'),
    settle: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('So many looks in a row must agree before the scene changes'),
    quality: z
      .record(
        SceneName,
        z.strictObject({
          minSharpness: z.number().min(0).optional(),
          minBrightness: z.number().min(0).max(255).optional(),
          maxBrightness: z.number().min(0).max(255).optional(),
          minContrast: z.number().min(0).max(128).optional(),
        }),
      )
      .default({})
      .describe('Gates that differ in a scene, by its name'),
    commands: z
      .record(SceneName, Argv)
      .default({})
      .describe('Run when the scene begins: exposure, infrared light; by its name'),
    commandGapSeconds: z
      .number()
      .int()
      .min(1)
      .max(86_400)
      .default(60)
      .describe('At most one such program in this time; the scene of that moment is what counts'),
    commandTimeoutMs: z
      .number()
      .int()
      .min(100)
      .max(60_000)
      .default(5000)
      .describe('A program that runs longer is killed'),
  })
  .prefault({})
  .describe('Day or night, as the whole picture shows it');
export type SceneConfig = z.infer<typeof SceneConfig>;

/** What a door asks for in one scene instead of what it asks for otherwise. */
export const DoorScenes = z
  .record(SceneName, z.strictObject({ targetFmr: z.number().gt(0).max(0.01) }))
  .default({})
  .describe('Other thresholds in a scene, by its name; before the scene is known the strictest of all');
