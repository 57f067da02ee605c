import type { LoadedConfig } from '../config/load/load';
import { messageOf, UsherError } from '../errors';
import { secrets } from '../secrets';

/** One thing that was looked at. `ok` needs nothing; `warn` works, but not as it should; `fail` does not work. */
export interface Finding {
  /** Stable, for programs: `camera:entrance`. */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What is there, never a secret: no password, key, name, card number. */
  readonly found: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

const finding = (check: string, state: Finding['state'], found: string, remedy: string | null): Finding => ({
  check,
  state,
  found: secrets.hide(found),
  remedy: remedy === null ? null : secrets.hide(remedy),
});
export const ok = (check: string, found: string): Finding => finding(check, 'ok', found, null);
export const warn = (check: string, found: string, remedy: string): Finding => finding(check, 'warn', found, remedy);
export const fail = (check: string, found: string, remedy: string): Finding => finding(check, 'fail', found, remedy);

export function failedBecause(check: string, error: unknown, otherwise: string): Finding {
  const remedy = error instanceof UsherError ? error.remedy : undefined;
  return fail(check, messageOf(error), remedy ?? otherwise);
}

/** What every examination may look at. */
export interface Patient {
  readonly loaded: LoadedConfig;
  /** Process id of the daemon that runs on this data folder, null when none does. */
  readonly daemon: number | 'unknown' | null;
  /** Whether the broker may be tried with the daemon's own name while the daemon is connected. */
  readonly probe: boolean;
}

export type Examination = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[];

/** An examination that throws is a finding too: the others still take place. */
export async function examined(name: string, examination: Examination, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await examination(patient);
  } catch (error) {
    return [failedBecause(name, error, 'This is a defect of usher doctor: please report it with this line.')];
  }
}
