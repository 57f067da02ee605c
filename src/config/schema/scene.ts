import { z } from 'zod';
import { Argv } from './primitives';

export const SceneName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a label of the scene model, like day or night');

const gate = (max: number, unit: string) =>
  z.number().min(0).max(max).optional().describe('As in quality of the camera').meta({ unit });

/** What a camera does with the scene, which is day or night unless the model names others. */
export const SceneConfig = z
  .strictObject({
    mode: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe('auto: the scene is watched where a scene model is installed. off: never'),
    everyMs: z
      .number()
      .int()
      .min(500)
      .max(3_600_000)
      .default(5000)
      .describe('How often the scene model looks at the whole picture'),
    settle: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('How many looks in a row must agree before the scene changes')
      .meta({ unit: 'looks' }),
    quality: z
      .record(
        SceneName,
        z.strictObject({
          minSharpness: z.number().min(0).optional().describe('As in quality of the camera').meta({ unit: 'ratio' }),
          minBrightness: gate(255, 'grey levels, 0 to 255'),
          maxBrightness: gate(255, 'grey levels, 0 to 255'),
          minContrast: gate(128, 'grey levels'),
        }),
      )
      .default({})
      .describe('Quality gates that differ in a scene, under the name of the scene'),
    commands: z
      .record(SceneName, Argv)
      .default({})
      .describe(
        'Programs to run when a scene begins, for exposure or infrared light, under the name of the scene; an absolute path and arguments, run without a shell',
      ),
    commandGapSeconds: z
      .number()
      .int()
      .min(1)
      .max(86_400)
      .default(60)
      .describe('At most one such program is started in this time; it is the one for the scene at that moment'),
    commandTimeoutMs: z
      .number()
      .int()
      .min(100)
      .max(60_000)
      .default(5000)
      .describe('A program that runs longer is killed'),
  })
  .prefault({})
  .describe('Day or night, as the whole picture shows it; published on state/scene/CAMERA');
export type SceneConfig = z.infer<typeof SceneConfig>;

/** What a door requires in one scene, instead of its usual settings. */
export const DoorScenes = z
  .record(
    SceneName,
    z.strictObject({
      targetFmr: z
        .number()
        .gt(0)
        .max(0.01)
        .describe('False-match rate to accept in this scene, instead of targetFmr of the door')
        .meta({ unit: 'rate' }),
    }),
  )
  .default({})
  .describe(
    'Thresholds that differ in a scene, under the name of the scene. Before the scene is known the strictest of all holds',
  );
