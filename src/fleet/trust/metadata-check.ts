import { BadVersionError, EqualVersionError, ExpiredMetadataError } from 'tuf-js/dist/error';
import { messageOf } from '../../errors';
import { type RefusalCode, refuse, ReleaseRefused } from '../refusal';

/** What is refused of metadata: what tuf-js lets pass, and what it throws, as a `ReleaseRefused`. */

export type Role = 'root' | 'timestamp' | 'snapshot' | 'targets';

/** What tuf-js would take: an `expires` that is no date never expires, a version may be a fraction. Returns a copy of the bytes. */
export function sane(bytes: Uint8Array, role: Role): Buffer {
  const copy = Buffer.from(bytes);
  let signed: { expires?: unknown; version?: unknown } | undefined;
  try {
    signed = (JSON.parse(copy.toString('utf8')) as { signed?: typeof signed } | null)?.signed;
  } catch (error) {
    refuse('metadata-malformed', `${role}.json`, error);
  }
  const { expires, version } = signed ?? {};
  if (
    typeof expires !== 'string' ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(expires) ||
    isNaN(Date.parse(expires))
  )
    refuse('metadata-malformed', `${role}.json says no date on which it expires`);
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    refuse('metadata-malformed', `${role}.json has no version`);
  return copy;
}

/** False if it is the version that is already trusted. */
export function accept(role: Role, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof EqualVersionError) return false;
    throw refusalOf(role, error);
  }
}

/** False where it is not accepted. */
export function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    // The stored file is no longer valid: other keys, expired, or of another snapshot. The repository has the right
    // one.
    return false;
  }
}

function refusalOf(role: Role, error: unknown): ReleaseRefused {
  return new ReleaseRefused(reasonOf(role, error), `${role}.json: ${messageOf(error)}`, error);
}

function reasonOf(role: Role, error: unknown): RefusalCode {
  if (error instanceof ExpiredMetadataError) return 'metadata-expired';
  if (error instanceof BadVersionError) {
    if (role === 'root') return 'root-version';
    return / is less than /.test(messageOf(error)) ? 'metadata-older' : 'metadata-mixed';
  }
  // Thrown by @tufjs/models, whose errors it does not export; their names are those of the classes.
  const kind = error instanceof Error ? error.constructor.name : '';
  if (kind === 'UnsignedMetadataError') return role === 'root' ? 'root-unsigned' : 'metadata-unsigned';
  if (kind === 'RepositoryError' && /^Missing /.test(messageOf(error))) return 'metadata-mixed';
  return 'metadata-malformed';
}
