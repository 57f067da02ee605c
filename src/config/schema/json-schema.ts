import { z } from 'zod';
import { ConfigSchema } from './schema';

/** The schema that editors read: what a person may write, so keys with a default are optional. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(ConfigSchema, { io: 'input' }), title: 'usher device configuration' };
}
