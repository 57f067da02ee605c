import { GRANT_REASONS, REASONS } from '../../src/access/reasons';
import { DecisionPayload } from '../../src/mqtt/topics/payloads';

test('every reason can be published', () => {
  for (const reason of Object.keys(REASONS)) expect(DecisionPayload.shape.reason.safeParse(reason).success).toBe(true);
});

test('what opens a door is a reason', () => {
  expect([...GRANT_REASONS].every((reason) => Object.hasOwn(REASONS, reason))).toBe(true);
});
