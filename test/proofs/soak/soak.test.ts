import { describeWithFfmpeg } from '../../support/processes';
import { soak } from './soak';

describeWithFfmpeg('hours of sound at full speed (the long form: npm run soak:voice -- --hours 24)', () => {
  test('every word is heard, nothing grows', async () => {
    const { said, heard, handles, overruns, gaps, hours } = await soak(0.1);
    expect(hours).toBeGreaterThanOrEqual(0.1);
    // A word may be under way when it is counted.
    expect(heard).toBeGreaterThanOrEqual(said - 1);
    expect(heard).toBeLessThanOrEqual(said);
    expect(handles[1]).toBeLessThanOrEqual(handles[0] + 2);
    expect([overruns, gaps]).toEqual([0, 0]);
  }, 300_000);
});
