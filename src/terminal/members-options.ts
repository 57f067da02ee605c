import { InvalidArgumentError } from 'commander';
import { userInfo } from 'node:os';

/** Collects the values of an option that may be repeated. */
export function several(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/**
 * Parses a day, or a moment with its offset. A day begins at midnight of this machine's time zone. `none` stays, since
 * commander takes null for an option without a value.
 * @returns epoch ms, or `none`
 */
export function dateOrNone(text: string): number | 'none' {
  if (text === 'none') return text;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = day || moment ? Date.parse(day ? `${text}T00:00:00` : text) : NaN;
  // Date turns 31 February into a day of March. The day that comes out must be the one that went in.
  if (Number.isNaN(at) || (day && new Date(at).getDate() !== Number(text.slice(8))))
    throw new InvalidArgumentError('expected a day like 2025-12-31, a moment like 2025-12-31T18:00Z, or none');
  return at;
}

/** Who acts, for receipts and records: `--by`, else the account that runs the command. */
export function actor(by: string | undefined): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
