import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { AsyncApiDocument } from '../../src/mqtt/topics/asyncapi';
import { packageRoot } from '../../src/system/paths';

/** The published description as others have it: read from the committed file, none of our schemas in between. */
export const PUBLISHED = parse(
  readFileSync(join(packageRoot(), 'device-config/asyncapi.yaml'), 'utf8'),
) as AsyncApiDocument;

const validators = new Map<string, z.ZodType>();

/** The channels that a concrete topic may belong to, the one with fewest parameters first; only `command/result` is two. */
export function channelsOf(topic: string): string[] {
  return Object.entries(PUBLISHED.channels)
    .filter(([, { address }]) => patternOf(address).test(topic))
    .sort(([, a], [, b]) => Object.keys(a.parameters).length - Object.keys(b.parameters).length)
    .map(([key]) => key);
}

/** What a message breaks of the description, or null. */
export function violation(topic: string, payload: unknown): string | null {
  const [key] = channelsOf(topic);
  if (key === undefined) return `${topic}: no such channel`;
  const result = validatorOf(key).safeParse(payload);
  return result.success ? null : `${topic}: ${z.prettifyError(result.error)}`;
}

export function validatorOf(key: string): z.ZodType {
  const known = validators.get(key);
  if (known !== undefined) return known;
  const message = PUBLISHED.components.messages[key];
  if (message === undefined) throw new Error(`no message ${key}`);
  // Alone, a schema's references count from its own root again.
  const schema: unknown = JSON.parse(
    JSON.stringify(message.payload).replaceAll(`"#/components/messages/${key}/payload`, '"#'),
  );
  const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0], { defaultTarget: 'draft-7' });
  validators.set(key, validator);
  return validator;
}

function patternOf(address: string): RegExp {
  return new RegExp(
    `^${address.replace(/\{(\w+)\}/g, (_, name) => (name === 'discoveryId' ? '\\w+' : '[A-Za-z0-9_-]+'))}$`,
  );
}
