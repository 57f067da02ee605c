import { torture, TORTURED } from './update-torture';

describe('an update of a box that loses its power', () => {
  // The long form: npm run torture:update -- 500 --channel config
  it.each(TORTURED)(
    '%s: boots with the old or the new version, whole, and says which, wherever it is cut off',
    async (channel) => {
      const facts = await torture(channel, 20, 5, () => undefined);
      expect(facts.kills).toBe(20);
      expect(facts.oldBoots).toBeGreaterThan(5);
      expect(facts.newBoots).toBeGreaterThan(0);
      expect(facts.updates).toBeGreaterThan(5);
    },
    600_000,
  );
});
