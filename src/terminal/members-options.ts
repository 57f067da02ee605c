import { InvalidArgumentError } from 'commander';
import { userInfo } from 'node:os';

/** Adds up an option that may be given more than once. */
export function several(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/**
 * A day, or a moment with its offset, as epoch ms; `none` stays (commander takes null for an option without value). A day
 * begins at midnight of this machine's time zone.
 */
export function dateOrNone(text: string): number | 'none' {
  if (text === 'none') return text;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = day || moment ? Date.parse(day ? `${text}T00:00:00` : text) : NaN;
  // Date turns the 31st of February into March by itself; the day that comes out must be the one that went in.
  if (Number.isNaN(at) || (day && new Date(at).getDate() !== Number(text.slice(8))))
    throw new InvalidArgumentError('a day like 2025-12-31, a moment like 2025-12-31T18:00Z, or none');
  return at;
}

/** Who acts, for receipts and records: as given, else the account that runs the command. */
export function actor(by: string | undefined): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
