import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LoadedConfig, parseConfig } from '../../../src/config/load/load';
import { Slots } from '../../../src/fleet/update/slots';
import { CONFIG_CHANNEL, countTrialStart, startUnder } from '../../../src/fleet/update/effective-config';
import { UPDATE_LIMITS } from '../../../src/fleet/update/update-limits';
import { idleState, type UpdateState } from '../../../src/fleet/update/update-state';
import { step } from '../../../src/fleet/update/update-step';
import { factsAt, installedOf, offerOf, OPEN, releaseOf } from '../samples';

const MICROPHONE = { id: 'hall', source: { type: 'stdin' }, words: [{ model: 'wake-jarvis' }] };

describe('what a box starts under', () => {
  let dir: string;
  let slots: Slots;
  const told: string[] = [];
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-under-'));
    slots = new Slots(dir);
    slots.prepare(CONFIG_CHANNEL);
    told.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const operatorWith = (root: string | null): LoadedConfig => ({
    config: parseConfig(
      JSON.stringify({ device: { site: 'gym', id: 'box' }, microphones: [MICROPHONE], fleet: { root } }),
      'file',
    ),
    ...{ file: path.join(dir, 'config.yaml'), dataDir: dir, modelsDir: dir },
  });
  const settings = (n: number, content: string): void => {
    const slot = slots.dirOf(CONFIG_CHANNEL, releaseOf(n));
    mkdirSync(slot);
    writeFileSync(path.join(slot, 'config.yaml'), content);
  };
  const level = (level: string): string => `log: { level: ${level} }`;
  const activate = (n: number): void =>
    slots.activate(CONFIG_CHANNEL, { ...installedOf(n, CONFIG_CHANNEL), kind: 'config' });
  const onTrial = (n: number, state: UpdateState = 'probation'): void => {
    const release = releaseOf(n, { kind: 'config', model: null }, CONFIG_CHANNEL);
    const candidate = { offer: offerOf(n, OPEN, CONFIG_CHANNEL), from: 'group all', release };
    slots.saveState({ ...idleState(CONFIG_CHANNEL, 0), state, candidate });
  };
  const under = (root: string | null = 'root.json', trials = true) => {
    const { loaded, release } = startUnder(operatorWith(root), trials, (why) => told.push(why));
    return { level: loaded.config.log.level, release: release?.version ?? null, trial: release?.trial ?? null };
  };

  it('is the operator’s file where the fleet changed nothing, or is no longer believed', () => {
    expect(under()).toEqual({ level: 'info', release: null, trial: null });
    settings(1, level('debug'));
    activate(1);
    expect(under()).toEqual({ level: 'debug', release: '1.1.0', trial: false });
    expect(under(null)).toEqual({ level: 'info', release: null, trial: null });
  });

  it('is the version before, or the file alone, where the active one cannot be read', () => {
    settings(1, level('warn'));
    activate(1);
    settings(2, 'no');
    activate(2);
    expect(under()).toEqual({ level: 'warn', release: '1.1.0', trial: false });
    expect(told.join()).toContain('settings 1.2.0 of the fleet are passed over');
    rmSync(slots.dirOf(CONFIG_CHANNEL, releaseOf(1)), { recursive: true });
    expect(under()).toEqual({ level: 'info', release: null, trial: null });
    writeFileSync(path.join(dir, 'releases', 'config', 'current.json'), '{');
    expect(under()).toEqual({ level: 'info', release: null, trial: null });
  });

  it('is what is on trial, for a few starts; then that counts as what ended them', () => {
    settings(1, level('warn'));
    activate(1);
    settings(2, level('debug'));
    onTrial(2, 'staged');
    expect(under()).toMatchObject({ release: '1.1.0' });
    onTrial(2);
    expect(under('root.json', false)).toMatchObject({ release: '1.1.0' });
    for (let start = 1; start <= UPDATE_LIMITS.trialBoots; start++) {
      expect(under()).toEqual({ level: 'debug', release: '1.2.0', trial: true });
      countTrialStart(dir);
      expect(step(slots.state(CONFIG_CHANNEL, 0), { type: 'boot' }, factsAt(1)).state).toBe('probation');
    }
    expect(under()).toEqual({ level: 'warn', release: '1.1.0', trial: false });
    countTrialStart(dir);
    expect(step(slots.state(CONFIG_CHANNEL, 0), { type: 'boot' }, factsAt(1))).toMatchObject({
      ...{ state: 'rolled-back', reason: 'interrupted', quarantine: [{ version: '1.2.0' }] },
    });
  });

  it('is not counted where nothing is on trial', () => {
    countTrialStart(dir);
    expect(slots.state(CONFIG_CHANNEL, 0).trialBoots).toBe(0);
  });
});
