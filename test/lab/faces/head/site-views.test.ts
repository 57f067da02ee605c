import type { Member, StoredTemplate, TemplateSource } from '../../../../src/store/members/member';
import { siteViews } from '../../../../src/lab/faces/head/site-views';
import { failureOf } from '../../../store/fixtures';

const member = (id: string, textVersion: string | null): Member => ({
  id,
  name: id,
  status: 'active',
  groups: [],
  validFrom: null,
  validUntil: null,
  duressIds: [],
  consent: textVersion === null ? null : { textVersion, by: 'desk', at: 1 },
  createdAt: 1,
  updatedAt: 1,
  enrolledAt: 1,
  lastSeenAt: null,
});
const template = (owner: string, source: TemplateSource): StoredTemplate => ({
  id: 1,
  member: owner,
  space: 'space',
  vector: Float32Array.of(1),
  quality: 1,
  source,
  createdAt: 1,
});

describe('what a site may train on', () => {
  it('are templates of members who agreed to a text that covers it; nobody else’s are opened', () => {
    const opened: string[] = [];
    const stored: Record<string, TemplateSource[]> = {
      anna: ['adapted', 'picture', 'adapted'],
      ben: ['picture', 'camera'],
      carl: ['picture', 'picture'],
      dora: ['picture'],
      eva: ['picture', 'picture'],
    };
    const site = siteViews(
      [member('anna', '2'), member('ben', '3'), member('carl', '1'), member('dora', '2'), member('eva', null)],
      (id) => {
        opened.push(id);
        return stored[id]!.map((source) => template(id, source));
      },
      ['2', '3'],
    );
    expect(opened).toEqual(['anna', 'ben', 'dora']);
    expect(site).toMatchObject({ members: 2, withoutConsent: 2, tooFew: 1 });
    expect(site.views.map(({ person, use, good }) => [person, use, good])).toEqual([
      [0, 'probe', false],
      [0, 'enrolled', true],
      [0, 'probe', false],
      [1, 'enrolled', true],
      [1, 'probe', true],
    ]);
  });

  it('is nothing without a text named: consent to being recognised is none to being trained on', () => {
    expect(failureOf(() => siteViews([member('anna', '2')], () => [], [])).code).toBe('usage');
  });
});
