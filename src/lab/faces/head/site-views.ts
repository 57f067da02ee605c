import { UsherError } from '../../../errors';
import type { Member, StoredTemplate } from '../../../store/members/member';
import type { HeadView } from './head-views';

export interface SiteViews {
  readonly views: readonly HeadView[];
  /** Members whose templates are used; each has at least two. */
  readonly members: number;
  /** Members whose templates were not read, because their consent does not cover training. */
  readonly withoutConsent: number;
  /** Members with consent but only one template. */
  readonly tooFew: number;
}

/**
 * Selects what a site may train on. It keeps no pictures, so these are the stored templates of the running encoder,
 * enrolled or accepted at the door (`adaptTemplates`), of members who agreed to a text that covers training. Consent to
 * recognition does not cover training, so the texts that do must be named; there is no default.
 * @param templatesOf called only for members with that consent: no other templates are opened
 * @param texts versions of consent texts that cover training
 * @throws UsherError `usage` without texts
 */
export function siteViews(
  members: readonly Member[],
  templatesOf: (member: string) => readonly StoredTemplate[],
  texts: readonly string[],
): SiteViews {
  if (texts.length === 0)
    throw new UsherError('usage', 'training on members needs their consent to it', {
      remedy:
        'Name the consent texts that cover training, with --consent-text VERSION; others’ templates are not read.',
    });
  const consenting = members.filter(({ consent }) => consent !== null && texts.includes(consent.textVersion));
  const views: HeadView[] = [];
  let used = 0;
  consenting.forEach(({ id }) => {
    const own = templatesOf(id);
    const enrolled = own.find(({ source }) => source !== 'adapted') ?? own[0];
    if (own.length < 2) return;
    const person = used++;
    for (const template of own)
      views.push({
        person,
        use: template === enrolled ? 'enrolled' : 'probe',
        good: template.source !== 'adapted',
        vector: template.vector,
      });
  });
  return {
    views,
    members: used,
    withoutConsent: members.length - consenting.length,
    tooFew: consenting.length - used,
  };
}
