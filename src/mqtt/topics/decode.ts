import { isUtf8 } from 'node:buffer';
import { type z } from 'zod';
import { strangeTime } from '../../strange-time';
import { MQTT_LIMITS } from './limits';

/** Why a payload was not taken. */
export type DecodeRefusal = 'oversized' | 'not-utf8' | 'too-deep' | 'not-json' | 'wrong-shape';

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: DecodeRefusal; readonly detail: string };

/**
 * Bytes from the network to a checked value; never throws. The order matters: each check makes the next one safe. Size and
 * depth are looked at before `JSON.parse`, which would build whatever it is given. The detail never repeats the payload's
 * values: it goes to logs, and a payload may hold a card number.
 */
export function decode<S extends z.ZodType>(
  schema: S,
  bytes: Uint8Array,
  maxBytes: number = MQTT_LIMITS.payloadBytes,
): Decoded<z.infer<S>> {
  if (bytes.length > maxBytes) return refuse('oversized', `${bytes.length} bytes, at most ${maxBytes}`);
  if (!isUtf8(bytes)) return refuse('not-utf8', `${bytes.length} bytes that are not UTF-8`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const depth = depthOf(text);
  if (depth > MQTT_LIMITS.payloadDepth)
    return refuse('too-deep', `nested ${depth} deep, at most ${MQTT_LIMITS.payloadDepth}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('not-json', `${bytes.length} bytes that are not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const places = parsed.error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map((part) => String(part).slice(0, 64)).join('.');
    // A time in words, in quotes or in nanoseconds is a fault that many senders have.
    const guess = issue.path.length === 1 && path === 'at' ? strangeTime(at(value), Date.now(), 0) : null;
    return `${path === '' ? 'payload' : path}: ${issue.code}${guess === null ? '' : ` (${guess})`}`;
  });
  return refuse('wrong-shape', places.join('; '));
}

/** What was sent as the time. */
function at(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'at' in value ? value.at : undefined;
}

function refuse(reason: DecodeRefusal, detail: string): { ok: false; reason: DecodeRefusal; detail: string } {
  return { ok: false, reason, detail };
}

/** Deepest nesting of brackets outside strings; for text that is not JSON, some number. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth--;
  }
  return deepest;
}
