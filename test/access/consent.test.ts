import { requireConsent } from '../../src/access/consent';
import type { Consent } from '../../src/store/members/member';

const to = (textVersion: string): Consent => ({ textVersion, by: 'desk', at: 1 });
const NO_RECORD = 'there is no consent on record for this enrolment';
const ask = (version: string): string =>
  `Ask the person, then add --consent-text ${version} --consent-by WHO. A person who does not agree needs another way to enter.`;

describe('an enrolment passes', () => {
  test.each<[string, Consent | null, Consent | null, boolean, string | null]>([
    ['without a consent where none is required', null, null, false, null],
    ['without a consent where none is required, whatever the text', null, null, false, '2'],
    ['with an older consent where none is required', null, to('1'), false, '2'],
    ['with a consent to any text', to('1'), null, true, null],
    ['with a consent to any text on record', null, to('1'), true, null],
    ['with a consent to the text in use', to('2'), null, true, '2'],
    ['with a consent to the text in use on record', null, to('2'), true, '2'],
    ['with a new consent over an older one', to('2'), to('1'), true, '2'],
  ])('%s', (_, given, recorded, required, textVersion) => {
    expect(() => requireConsent(given, recorded, { required, textVersion })).not.toThrow();
  });
});

describe('an enrolment is refused', () => {
  test.each<[string, Consent | null, Consent | null, boolean, string | null, string, string]>([
    ['without any consent', null, null, true, null, NO_RECORD, 'VERSION'],
    ['without any consent to the text in use', null, null, true, '2', NO_RECORD, '2'],
    ['with one to another text', to('1'), null, true, '2', 'consent to text 1; the text in use is 2', '2'],
    ['with one to another text, although none is required', to('1'), null, false, '2', 'consent to text 1; the', '2'],
    ['with one to another text over the right one', to('1'), to('2'), true, '2', 'consent to text 1; the text', '2'],
    ['with one on record to an older text', null, to('1'), true, '2', 'the consent on record is to text 1; the', '2'],
  ])('%s', (_, given, recorded, required, textVersion, message, version) => {
    expect(() => requireConsent(given, recorded, { required, textVersion })).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(message) as string,
        remedy: ask(version),
      }) as Error,
    );
  });

  test('and the text in use is named', () => {
    const rule = { required: true, textVersion: '2' };
    expect(() => requireConsent(null, to('1'), rule)).toThrow(
      'the consent on record is to text 1; the text in use is 2',
    );
  });
});
