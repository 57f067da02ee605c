import { checkConsent, type Consent } from '../../store/members/member';

export interface ConsentOptions {
  readonly consentText?: string | undefined;
  readonly consentBy?: string | undefined;
}

/** The consent that the options describe, given now. Null without these options. @throws UsherError `usage` */
export function consentOf({ consentText, consentBy }: ConsentOptions, at: number): Consent | null {
  if (consentText === undefined && consentBy === undefined) return null;
  return checkConsent({ textVersion: consentText ?? '', by: consentBy ?? '', at });
}
