import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Simulation } from '../../../../src/lab/bench/fleet/simulation';
import { describeWithMosquitto, Mosquitto } from '../../../support/mosquitto';

describeWithMosquitto('a fleet of many boxes', () => {
  // The long form: usher fleet simulate -n 10000
  it('takes a good release stage by stage, stops a bad one in its first, and is as the manager sees it', async () => {
    const broker = new Mosquitto(['allow_anonymous true', 'max_queued_messages 0']);
    const dir = mkdtempSync(path.join(tmpdir(), 'usher-simulate-'));
    await broker.start();
    try {
      const said = new Set<string>();
      const figures = await new Simulation({
        ...{ boxes: 50, connections: 10, stages: [3000, 6000, 10_000], failing: 0, bad: 0.6, outages: 0.03, seed: 3 },
        ...{ broker: { url: broker.url, pid: null }, dir },
        onProgress: (what) => said.add(what),
      }).run();
      expect(figures).toMatchObject({ committed: 50, beyondFirst: 0, kept: 50, compared: 50, untrue: 0 });
      expect(figures).toMatchObject({ untrueOnTheWay: 0, pause: { stage: 0 } });
      // Nothing of this would have been tried on a line that never broke.
      expect(figures.outages).toBeGreaterThan(3);
      expect(figures.powerCuts).toBeGreaterThan(0);
      expect([...said]).toEqual(expect.arrayContaining(['boxes', 'release 1.1.0', 'bad release 1.2.0']));
    } finally {
      await broker.dispose();
      rmSync(dir, { recursive: true, force: true });
    }
  }, 300_000);
});
