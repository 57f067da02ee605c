import { torture } from './update-torture';

describe('an update of a box that loses its power', () => {
  // The long form: npm run torture:update -- 500
  it('boots with the old or the new version, whole, and says which, wherever it is cut off', async () => {
    const facts = await torture(24, () => undefined);
    expect(facts.kills).toBe(24);
    expect(facts.oldBoots).toBeGreaterThan(5);
    expect(facts.updates).toBeGreaterThan(5);
  }, 600_000);
});
