import { torture } from './update-torture';

describe('an update of a box that loses its power', () => {
  // The long form: npm run torture:update -- 500
  it('boots with the old or the new version, whole, and says which, wherever it is cut off', async () => {
    const facts = await torture(60, () => undefined);
    process.stdout.write(`${JSON.stringify(facts)}\n`);
    expect(facts.oldBoots).toBeGreaterThan(10);
    expect(facts.newBoots).toBeGreaterThan(0);
    expect(facts.updates).toBeGreaterThan(10);
  }, 600_000);
});
