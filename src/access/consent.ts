import type { SecurityConfig } from '../config/schema/security';
import { UsherError } from '../errors';
import type { Consent } from '../store/members/member';

/**
 * Prevents an enrolment without the person's consent.
 * @param given with this enrolment
 * @param recorded of the member who is enrolled again; valid as long as its text is the one in use
 * @throws UsherError `usage`
 */
export function requireConsent(
  given: Consent | null,
  recorded: Consent | null,
  { required, textVersion }: SecurityConfig['consent'],
): void {
  const remedy =
    `Ask the person, then add --consent-text ${textVersion ?? 'VERSION'} --consent-by WHO. ` +
    'A person who does not agree needs another way to enter.';
  if (given !== null && textVersion !== null && given.textVersion !== textVersion)
    throw new UsherError('usage', `consent to text ${given.textVersion}; the text in use is ${textVersion}`, {
      remedy,
    });
  const consent = given ?? recorded;
  if (!required || (consent !== null && (textVersion === null || consent.textVersion === textVersion))) return;
  throw new UsherError(
    'usage',
    consent === null
      ? 'there is no consent on record for this enrolment'
      : `the consent on record is to text ${consent.textVersion}; the text in use is ${textVersion ?? ''}`,
    { remedy },
  );
}
