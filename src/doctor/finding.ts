import type { LoadedConfig } from '../config/load/load';
import { messageOf, UsherError } from '../errors';
import { secrets } from '../secrets';

/** The result of one check. `ok`: nothing to do. `warn`: works, but not as it should. `fail`: does not work. */
export interface Finding {
  /** Stable, for programs: `camera:entrance`. */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found. Never a secret: no password, key, name or card number. */
  readonly found: string;
  /** What to do; null if nothing. */
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

/** @param otherwise the remedy if the error has none */
export function failedBecause(check: string, error: unknown, otherwise: string): Finding {
  const remedy = error instanceof UsherError ? error.remedy : undefined;
  return fail(check, messageOf(error), remedy ?? otherwise);
}

/** What every check may use. */
export interface Patient {
  readonly loaded: LoadedConfig;
  /** Process id of the daemon that runs on this data folder; null if none does. */
  readonly daemon: number | 'unknown' | null;
  /** Whether to test the broker with the daemon's credentials while the daemon is connected. */
  readonly probe: boolean;
}

export type Examination = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[];

/** A check that throws becomes a finding, and the other checks still run. */
export async function examined(name: string, examination: Examination, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await examination(patient);
  } catch (error) {
    return [failedBecause(name, error, 'This is a defect in usher doctor. Please report it with this line.')];
  }
}
