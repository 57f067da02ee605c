import {
  type AdaptionCase,
  type AdaptionFacts,
  judgeAdaption,
  strictDistance,
} from '../../../src/access/members/adaption';
import type { Decision } from '../../../src/access/door-types';
import type { LivenessState, Observation } from '../../../src/events';
import { ENCODER, faceAt, observation } from '../../support/members';

const AT = 5000;
const granted: Decision = {
  ...{ outcome: 'granted', reason: 'match', member: 'ann', at: AT, mode: 'verify', trigger: 'swipe' },
  ...{ reader: 'r', since: 4000, distance: 0.1, threshold: 0.8, votes: 3 },
};
const near: AdaptionFacts = {
  frame: { enrolled: 0.3, others: 1.2 },
  fused: { enrolled: 0.2, others: 1.3 },
  today: 0,
};
const judge = (change: Partial<AdaptionCase> = {}, facts: AdaptionFacts = near) =>
  judgeAdaption({
    ...{ decision: granted, observation: observation(AT, faceAt(0)), liveness: 'off', strict: 0.8, margin: 0.06 },
    facts: () => facts,
    ...change,
  });
const why = (change: Partial<AdaptionCase>, facts = near): string => {
  const verdict = judge(change, facts);
  return verdict.keep ? 'kept' : verdict.why;
};
const seen = (mono: number, options: Parameters<typeof observation>[2] = {}): Partial<AdaptionCase> => ({
  observation: observation(mono, faceAt(0), options),
});
const judged = (state: LivenessState, liveness: AdaptionCase['liveness']): Partial<AdaptionCase> => ({
  ...seen(AT, { liveness: { state, score: 1, frames: 9, motion: 'depth' } }),
  liveness,
});

test('the very frame of a match, good and near: kept, with the larger of the two distances', () => {
  expect(judge()).toMatchObject({ keep: true, member: 'ann', distance: 0.3 });
});

const nobody: Observation = observation(AT, null);
test.each<[string, Partial<AdaptionCase>, string]>([
  ['a card alone', { decision: { ...granted, reason: 'card' } }, 'no-match'],
  ['an order', { decision: { ...granted, reason: 'hold-open', member: null, unlockMs: 1 } }, 'no-match'],
  ['a denial', { decision: { ...granted, outcome: 'denied', reason: 'deadline' } }, 'no-match'],
  ['no frame in work', { observation: null }, 'no-frame'],
  ['an empty frame', { observation: nobody }, 'no-frame'],
  ['a frame before the one that decided', seen(AT - 1), 'other-frame'],
  ['a frame after it', seen(AT + 1), 'other-frame'],
  ['a frame that was not encoded', seen(AT, { embedding: null }), 'not-encoded'],
  ['a frame just not good enough', seen(AT, { quality: 0.799 }), 'quality'],
  ['a frame just good enough', seen(AT, { quality: 0.8 }), 'kept'],
  ['a quality that is no number', seen(AT, { quality: NaN }), 'quality'],
  ['fake, liveness advised', judged('fake', 'advise'), 'liveness'],
  ['undecided, liveness advised', judged('undecided', 'advise'), 'liveness'],
  ['undecided, liveness off', judged('undecided', 'off'), 'liveness'],
  ['not judged, liveness required', judged('absent', 'require'), 'liveness'],
  ['not judged, liveness advised', judged('absent', 'advise'), 'kept'],
  ['live, liveness required', judged('live', 'require'), 'kept'],
])('%s', (_what, change, verdict) => {
  expect(why(change)).toBe(verdict);
});

test.each<[string, AdaptionFacts, string]>([
  [
    'the frame alone is far from what was enrolled',
    { ...near, frame: { enrolled: 0.81, others: 9 } },
    'far-from-enrolled',
  ],
  ['the fused vector alone is', { ...near, fused: { enrolled: 0.81, others: 9 } }, 'far-from-enrolled'],
  ['on the threshold', { ...near, frame: { enrolled: 0.8, others: 9 } }, 'kept'],
  ['the fused vector on the threshold', { ...near, fused: { enrolled: 0.8, others: 9 } }, 'kept'],
  [
    'another member on threshold and margin of the frame',
    { ...near, frame: { enrolled: 0.3, others: 0.8 + 0.06 } },
    'near-another',
  ],
  ['… of the fused vector', { ...near, fused: { enrolled: 0.3, others: 0.8 + 0.06 } }, 'near-another'],
  ['nothing was enrolled', { ...near, frame: { enrolled: Infinity, others: 9 } }, 'far-from-enrolled'],
  ['a distance that is no number', { ...near, frame: { enrolled: NaN, others: 9 } }, 'far-from-enrolled'],
  [
    'another member is within threshold and margin of the frame',
    { ...near, frame: { enrolled: 0.3, others: 0.86 } },
    'near-another',
  ],
  ['… of the fused vector', { ...near, fused: { enrolled: 0.3, others: 0.86 } }, 'near-another'],
  ['nobody else is enrolled', { ...near, frame: { enrolled: 0.3, others: Infinity } }, 'kept'],
  ['one was taken today', { ...near, today: 1 }, 'enough-today'],
])('%s', (_what, facts, verdict) => {
  expect(why({}, facts)).toBe(verdict);
});

test('a frame whose vectors were not fused is not kept', () => {
  const encoded = observation(AT, faceAt(0));
  const unfused = { ...encoded, subject: { ...encoded.subject!, fused: null } };
  expect(why({ observation: unfused })).toBe('not-encoded');
});

test('who is refused for another reason is not searched for', () => {
  const facts = jest.fn(() => near);
  judge({ decision: { ...granted, reason: 'card' } as Decision, facts });
  expect(facts).not.toHaveBeenCalled();
});

test('the strict threshold is the door’s where that is stricter, and never looser than one in 10,000', () => {
  const of = (...targets: number[]) => strictDistance(ENCODER.thresholds, targets);
  expect([of(1e-2), of(1e-4), of(1e-2, 1e-6), of()]).toEqual([0.8, 0.8, 0.6, 0.8]);
});
