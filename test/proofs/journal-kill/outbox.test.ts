import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Watcher } from '../../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { consumed, inspect, Run } from './journal-torture';

/** The long form: npm run torture:journal */
const KILLS = Number(process.env['USHER_TORTURE_KILLS'] ?? 25);

describeWithMosquitto('decisions on their way to the broker', () => {
  const mosquitto = new Mosquitto();
  let dataDir: string;
  let watcher: Watcher | null = null;

  beforeEach(async () => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'usher-outbox-'));
    await mosquitto.start();
  });
  afterEach(async () => {
    await watcher?.close();
    watcher = null;
    await mosquitto.stop('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });
  afterAll(() => mosquitto.dispose());

  const listen = async (): Promise<Watcher> => (watcher = await Watcher.connect(mosquitto.url, 'usher/#'));
  const unlocksIn = (watcher: Watcher): string[] =>
    watcher.of('/unlock').map(({ payload }) => String(payload['decision']));

  it(
    `survives ${KILLS} kills at random moments: whole, nothing acknowledged lost, each counted once and in order`,
    async () => {
      // A count that is none would kill nothing and prove nothing.
      expect(KILLS).toBeGreaterThan(0);
      const heard = await listen();
      let acknowledged = 0;
      let startUpMs = 500;
      for (let kill = 0; kill < KILLS; kill++) {
        const started = performance.now();
        const run = new Run(dataDir, mosquitto.url, 1e9);
        // Every fifth somewhere in its start, the others somewhere in their work.
        if (kill % 5 === 4) await new Promise((resolve) => setTimeout(resolve, Math.random() * startUpMs));
        else {
          await run.said((lines) => lines.length > 0);
          startUpMs = performance.now() - started;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
        }
        await run.kill();
        expect(run.errors).toBe('');
        acknowledged += run.lines.length;
        if (kill % 50 === 49) expect(inspect(dataDir).findings).toEqual([]);
      }
      const last = new Run(dataDir, mosquitto.url, 1);
      expect(await last.done()).toBe(true);
      const facts = inspect(dataDir);
      expect(facts).toMatchObject({ findings: [], integrity: ['ok'], waiting: 0 });
      expect(facts.recorded).toEqual(facts.recorded.map((_, index) => index + 1));
      expect(facts.recorded.length).toBeGreaterThanOrEqual(acknowledged + 1);
      await heard.hears('the last decision', ({ payload }) => payload['seq'] === facts.recorded.length);
      const { counted, repeated } = consumed(heard.heard);
      expect(counted).toEqual(facts.recorded);
      // An unlock is one of a recorded grant, and comes once.
      const unlocks = unlocksIn(heard);
      expect(new Set(unlocks).size).toBe(unlocks.length);
      expect(unlocks.filter((id) => !facts.granted.has(id))).toEqual([]);
      process.stdout.write(
        `${KILLS} kills: ${facts.recorded.length} decisions recorded, ${acknowledged + 1} acknowledged, ${repeated} delivered again, ${unlocks.length} unlocks\n`,
      );
    },
    KILLS * 6000 + 60_000,
  );

  it('after an hour of traffic without a broker, and kills in it: every decision once and in order, no unlock', async () => {
    await mosquitto.stop('SIGKILL');
    let acknowledged = 0;
    for (const share of [700, 600, 500]) {
      const run = new Run(dataDir, mosquitto.url, 1e9);
      await run.said((lines) => lines.length >= share);
      await run.kill();
      acknowledged += run.lines.length;
    }
    const before = inspect(dataDir);
    expect(before.recorded.length).toBeGreaterThanOrEqual(acknowledged);
    await mosquitto.start();
    const heard = await listen();
    const last = new Run(dataDir, mosquitto.url, 200, 5);
    expect(await last.done()).toBe(true);
    const facts = inspect(dataDir);
    expect(facts).toMatchObject({ findings: [], integrity: ['ok'], waiting: 0 });
    expect(facts.recorded.length).toBe(before.recorded.length + 200);
    await heard.hears('the last decision', ({ payload }) => payload['seq'] === facts.recorded.length);
    expect(consumed(heard.heard).counted).toEqual(facts.recorded);
    // Of the 67 grants of the last run at most; none of the outage.
    expect(unlocksIn(heard).filter((id) => before.granted.has(id))).toEqual([]);
    const head = heard.of('/audit/head').at(-1);
    expect(head?.payload).toMatchObject({ v: 1, seq: facts.head.seq, hash: facts.head.hash });
    expect(acknowledged + 200).toBeGreaterThanOrEqual(2000);
  }, 180_000);
});
