import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../../src/config/load/load';
import { HealthBoard } from '../../../src/daemon/health/health';
import { VoiceTarget } from '../../../src/daemon/trials/voice-target';
import type { VoiceService } from '../../../src/daemon/microphones/voice-service';
import { Voices } from '../../../src/daemon/microphones/voices';
import type { Trial, TrialFailed } from '../../../src/fleet/update/trial';
import { createLog } from '../../../src/system/log';
import { releaseOf } from '../../fleet/samples';
import { TONE_HZ, writeToneBundle } from '../../support/beep-bundle';
import { FAULTS, faultyChild, sameModel } from '../../support/candidates';
import { descendantsOf, Installation } from '../../support/daemon';
import { mixed, noise, shorts, tone, wav } from '../../support/sound';
import { LIMITS } from '../../support/trial-site';
import { until } from '../../support/until';

const NEVER = new AbortController().signal;
const CHANNEL = 'wake/beep';
const SOON_MS = 60_000;

describe('a trigger word beside the running one', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'usher-voice-'));
  const file = join(scratch, 'beep.wav');
  let place: Installation;
  let base: string;
  let voices: Voices;
  let service: VoiceService;
  let activations = 0;
  let log = '';

  beforeAll(async () => {
    const sound = mixed(noise(2.4, 0.01), tone(0.4, TONE_HZ.beep, 0.3), 1);
    writeFileSync(file, wav(shorts(sound)));
    place = await Installation.make({
      models: { dir: 'models' },
      microphones: [{ id: 'hall', source: { type: 'file', path: file, loop: true }, words: [{ model: 'wake-beep' }] }],
    });
    base = await writeToneBundle(join(place.dir, 'models'), 'beep');
    const loaded = await loadConfig(place.config);
    voices = new Voices({
      ...{ loaded, dirs: {}, health: new HealthBoard(() => undefined), bootId: '' },
      mqtt: {
        publish: (topic) => {
          if (topic === 'activation') activations++;
          return 'sent';
        },
      },
      log: createLog({ level: 'info', format: 'text', write: (line) => (log += line) }),
      ...{ record: () => undefined, settled: () => undefined },
    });
    voices.start();
    service = voices.all[0]!;
    await waitFor('the microphone to hear', () => service.isHearing);
    await heard();
  }, 120_000);

  afterAll(async () => {
    await voices.stop();
    await place.remove();
    rmSync(scratch, { recursive: true });
  });

  const waitFor = (what: string, holds: () => boolean): Promise<void> =>
    until(what, holds, { ms: SOON_MS, detail: () => log });
  const heard = (): Promise<void> => {
    const before = activations;
    return waitFor('the word', () => activations > before);
  };
  /** Voice processes of this test beside the running one. */
  const candidates = (): number[] =>
    descendantsOf(process.pid).filter(
      (pid) => pid !== service.pid && /(voice|slots\/.*)\/child\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
    );

  /** Stands its test, and what follows must lead back: why. */
  const failsOnProbation = async (name: string, entry: string, meanwhile: () => void): Promise<string> => {
    const dir = join(place.dir, 'slots', name, 'bundle');
    sameModel(base, dir, '1.0.1');
    const ground = new VoiceTarget({
      ...{ voices: () => voices, names: ['wake-beep'], modelsDir: join(place.dir, 'models'), entry },
      // It reports every second: in less it might not have said yet that it hears. A process that fights for memory hears late, and
      // that is told by other tests.
      limits: { ...LIMITS, shadowMs: 4000, probationMs: 60_000, memoryMiB: 200, minAgreement: 0 },
      log: createLog({ level: 'info', format: 'text', write: (line) => (log += line) }),
    });
    await ground.start();
    const trial: Trial = ground.begin({ channel: CHANNEL, release: releaseOf(1, {}, CHANNEL), dir });
    try {
      await trial.test(NEVER);
      await trial.switch(NEVER);
      meanwhile();
      await trial.settle(NEVER);
      await trial.watch(NEVER);
      return 'passed';
    } catch (error) {
      return `${(error as TrialFailed).reason}: ${(error as Error).message}`;
    } finally {
      await trial.end();
    }
  };

  it.each<[string, RegExp, string, (begun: string) => void]>([
    ['leaks', /^memory: \d+ MiB are resident/, 'leaks', (begun) => writeFileSync(begun, '')],
    ['hangs', /^silent: /, 'hangs', () => candidates().forEach((pid) => process.kill(pid, 'SIGSTOP'))],
  ])(
    'that %s on probation leads back, and the running one is heard on',
    async (_, expected, name, meanwhile) => {
      const begun = join(place.dir, 'slots', name, 'begun');
      const entry = faultyChild('voice', dirname(begun), FAULTS.leaks(begun));
      const running = service.pid;
      expect(await failsOnProbation(name, entry, () => meanwhile(begun))).toMatch(expected);
      await heard();
      expect(service.pid).toBe(running);
      expect(candidates()).toEqual([]);
    },
    120_000,
  );
});
