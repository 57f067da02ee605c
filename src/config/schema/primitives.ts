import { z } from 'zod';

/** Forms that many keys share. They carry no description: each key says for itself what it is. */

export const Id = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63');

export const Path = z.string().min(1).max(4096);

/** Run without a shell, so nothing in it is expanded. */
export const Argv = z
  .array(z.string().max(1024))
  .min(1)
  .max(32)
  .refine(([program]) => program?.startsWith('/') === true, 'the program must be an absolute path');

export const LogConfig = z
  .strictObject({
    level: z
      .enum(['error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('The least important messages that are written'),
    format: z
      .enum(['text', 'json'])
      .default('text')
      .describe('text: lines for people. json: one JSON object a line, for a log collector'),
  })
  .prefault({})
  .describe('What is written to standard error');

export const HealthConfig = z
  .strictObject({
    everySeconds: z
      .number()
      .min(1)
      .max(3600)
      .default(10)
      .describe('How often health is published. A change is published at once'),
  })
  .prefault({})
  .describe('The health messages on MQTT');
