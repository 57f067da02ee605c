import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LoadedConfig, parseConfig } from '../../../src/config/load/load';
import { ConfigTrial } from '../../../src/daemon/trials/config-trial';
import { HealthBoard } from '../../../src/daemon/health/health';
import type { Trial, TrialFailed } from '../../../src/fleet/update/trial';
import { releaseOf } from '../../fleet/samples';

const MICROPHONE = { id: 'hall', source: { type: 'stdin' }, words: [{ model: 'wake-jarvis' }] };
const NEVER = new AbortController().signal;
const OK = { state: 'ok', lastProgressAt: 1, detail: null, remedy: null } as const;
const FAILED = { ...OK, state: 'failed' } as const;

describe('settings of the fleet on trial', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'usher-settings-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const operator: LoadedConfig = {
    config: parseConfig(JSON.stringify({ device: { site: 'gym', id: 'box' }, microphones: [MICROPHONE] }), 'file'),
    ...{ file: path.join(dir, 'config.yaml'), dataDir: dir, modelsDir: dir },
  };
  const candidate = { channel: 'config', release: releaseOf(1, { kind: 'config', model: null }), dir };

  /** @param running in the process that was started under them */
  function trialWith(running: boolean, limits: { probationMs?: number; patienceMs?: number } = {}) {
    const restarts: string[] = [];
    const health = new HealthBoard(() => undefined);
    const release = running ? { version: '1.1.0', dir, trial: true } : null;
    const trial: Trial = new ConfigTrial(candidate, {
      ...{ under: { loaded: operator, operator, release }, health, isBusy: () => false },
      restart: (why) => restarts.push(why),
      ...{ probationMs: 0, patienceMs: 0, ...limits },
    });
    return { trial, restarts, health };
  }
  const reasonOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'passed',
      (error: unknown) => `${(error as TrialFailed).reason}: ${(error as Error).message}`,
    );

  it('that the box may not take come no further than their test', async () => {
    writeFileSync(path.join(dir, 'config.yaml'), 'cameras: { front: { fps: 10 } }');
    expect(await reasonOf(trialWith(false).trial.test(NEVER))).toMatch(/^invalid: cameras: this box has no front/);
    writeFileSync(path.join(dir, 'config.yaml'), 'log: { level: warn }');
    expect(await reasonOf(trialWith(false).trial.test(NEVER))).toBe('passed');
  });

  it('are tried by a new start, which ends the part of the process before', async () => {
    const { trial, restarts } = trialWith(false);
    const abort = new AbortController();
    await trial.switch(NEVER);
    const settling = trial.settle(abort.signal).catch((error: unknown) => (error as Error).name);
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(restarts).toEqual([expect.stringContaining('are tried')]);
    abort.abort();
    expect(await settling).toBe('AbortError');
    await trial.end();
    expect(restarts).toHaveLength(1);
  });

  it('stay when all is well that was well before', async () => {
    const before = trialWith(false);
    before.health.set('old camera', FAILED);
    await before.trial.switch(NEVER);
    const { trial, restarts, health } = trialWith(true);
    health.set('broker', OK);
    health.set('old camera', FAILED);
    await trial.settle(NEVER);
    expect(await trial.watch(NEVER)).toEqual({ agreement: null });
    await trial.adopt(NEVER);
    await trial.end();
    expect(restarts).toEqual([]);
  });

  it('go when something is no longer well for too long, by a new start', async () => {
    const before = trialWith(false);
    before.health.set('camera', OK);
    await before.trial.switch(NEVER);
    const { trial, restarts, health } = trialWith(true);
    health.set('camera', FAILED);
    expect(await reasonOf(trial.watch(NEVER))).toMatch(/^start-failed: .*camera/);
    await trial.end();
    expect(restarts).toEqual([expect.stringContaining('back')]);
  });

  it.each([FAILED, { ...OK, state: 'starting' } as const])('stay though the broker is away: $state', async (away) => {
    const { trial, restarts, health } = trialWith(true);
    health.set('camera', OK);
    health.set('broker', away);
    expect(await reasonOf(trial.watch(NEVER))).toBe('passed');
    await trial.adopt(NEVER);
    await trial.end();
    expect(restarts).toEqual([]);
  });

  it('wait for what needs its time to come up', async () => {
    const { trial, health } = trialWith(true, { patienceMs: 60_000 });
    health.set('camera', { ...OK, state: 'starting' });
    const watching = trial.watch(NEVER);
    setTimeout(() => health.set('camera', OK), 10);
    expect(await watching).toEqual({ agreement: null });
  });
});
