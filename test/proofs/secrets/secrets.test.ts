import { Secrets } from '../../../src/secrets';
import { describeWithMosquitto } from '../../support/mosquitto';
import { tryAddresses } from './proof';
import { tryRealRuns } from './real-run';

test('no output holds a credential of a generated address (long form: npm run secrets -- 100000)', () => {
  const { tried, texts, faults } = tryAddresses(300, 13);
  expect(faults).toEqual([]);
  expect(tried).toBe(300);
  expect(texts).toBeGreaterThan(300 * 30);
});

test('the proof finds a secret that is shown', () => {
  const hide = jest.spyOn(Secrets.prototype, 'hide').mockImplementation((text) => text);
  try {
    expect(tryAddresses(50, 13).faults.length).toBeGreaterThan(0);
  } finally {
    hide.mockRestore();
  }
});

describeWithMosquitto('a real daemon whose camera and broker want a password', () => {
  const cleanUps: (() => unknown)[] = [];
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  test('nothing that it prints, publishes, writes or shows in ps holds it', async () => {
    const { faults, bytes } = await tryRealRuns((cleanUp) => cleanUps.push(cleanUp), [`zq/kv#7351zqkv @?%"'`]);
    expect(faults).toEqual([]);
    expect(bytes).toBeGreaterThan(10_000);
  }, 240_000);
});
