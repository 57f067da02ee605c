import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TrialFigures } from '../../../src/daemon/trials/trial-figures';
import { type Trial, type TrialFailed, TrialPostponed } from '../../../src/fleet/update/trial';
import { badEncoder, faultyChild, FAULTS, type Faults, sameModel } from '../../support/candidates';
import { descendantsOf } from '../../support/daemon';
import { TrialSite } from '../../support/trial-site';
import { releaseOf } from '../../fleet/samples';

const NEVER = new AbortController().signal;
const CHANNEL = 'face/encoder';

describe('a candidate beside the running model', () => {
  let site: TrialSite;
  let trial: Trial | null = null;
  let number = 0;

  beforeAll(async () => {
    site = await TrialSite.make();
  }, 120_000);
  afterEach(async () => {
    await trial?.end();
    trial = null;
    expect(vision()).toHaveLength(1);
  });
  afterAll(() => site.remove());

  /** Vision processes of this test: the running one, and a candidate's. */
  const vision = (): number[] =>
    descendantsOf(process.pid).filter((pid) =>
      /(vision|slots\/.*)\/child\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
    );
  const candidatePid = (): number => {
    const pid = vision().find((each) => each !== site.service.pid);
    if (pid === undefined) throw new Error('no candidate runs');
    return pid;
  };
  const begin = async (faults: Faults | null, limits = {}, entry?: string): Promise<Trial> => {
    const version = `1.0.${++number}`;
    const dir = site.slot(version);
    if (faults === null) sameModel(site.base, dir, version);
    else await badEncoder(site.base, dir, version, faults);
    const ground = await site.groundWith(limits, entry);
    trial = ground.begin({ channel: CHANNEL, release: releaseOf(number), dir });
    return trial;
  };
  const reasonOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'passed',
      (error: unknown) => `${(error as TrialFailed).reason}: ${(error as Error).message}`,
    );
  const goesOn = async (): Promise<void> => {
    const before = site.frames.length;
    await site.until('frames to go on', () => site.frames.length > before + 5);
  };

  it('is tested, decides, stands its probation and takes over, frame by frame', async () => {
    const good = await begin(null);
    const { agreement } = await good.test(NEVER);
    expect(agreement).toBeGreaterThan(0.9);
    await good.switch(NEVER);
    await good.settle(NEVER);
    await site.until('frames of the candidate', () => (site.frames.at(-1)?.subject?.track ?? 0) > 2 ** 31);
    expect((await good.watch(NEVER)).agreement).toBeGreaterThan(0.9);
    const pid = site.service.pid;
    await good.adopt(NEVER);
    await good.end();
    await goesOn();
    await site.until(
      'frames of the taken-over model',
      () => (site.frames.at(-1)?.subject?.track ?? Infinity) < 2 ** 31,
    );
    // The very process that ran before, with the new models.
    expect(site.service.pid).toBe(pid);
    expect(site.service.currentJob.models.encoder).toContain('slots');
    const monos = site.frames.map(({ mono }) => mono);
    expect(monos).toEqual([...monos].sort((a, b) => a - b));
    process.stdout.write(`${/took over.*longestGapMs=\d+/.exec(site.log)?.[0] ?? 'no take-over'}\n`);
  }, 120_000);

  it.each<[string, RegExp, Faults, object]>([
    ['answers wrongly', /^wrong-answers: /, {}, {}],
    ['is slow', /^(slow|silent): /, { matrixProducts: 100 }, { minAgreement: 0, latencyMs: 1, latencyRatio: 1.5 }],
    ['takes too much memory', /^memory: /, { scratchMiB: 200 }, { minAgreement: 0, memoryMiB: 150 }],
  ])(
    'that %s is sent back before it decides',
    async (_, expected, faults, limits) => {
      const bad = await begin(faults, limits);
      expect(await reasonOf(bad.test(NEVER))).toMatch(expected);
      await bad.end();
      await goesOn();
    },
    120_000,
  );

  it('waits, rather than being let onto the door, where nobody came into view', async () => {
    // In the place of an empty entrance: frames of the candidate in which nobody is.
    const unseen = await begin(null, { seenMs: 0, shadowMs: 300 });
    const blank = jest.spyOn(TrialFigures.prototype, 'candidate').mockImplementation(function (this: TrialFigures) {
      this.analysed++;
    });
    try {
      expect(await reasonOf(unseen.test(NEVER))).toMatch(/^nobody-seen: no person came into view/);
    } finally {
      blank.mockRestore();
    }
    await unseen.end();
    await goesOn();
  }, 120_000);

  it('that is not what its card says does not come as far as a frame', async () => {
    const bad = await begin(null);
    const { dir } = { dir: site.slot('nothing') };
    const ground = await site.groundWith({});
    await bad.end();
    trial = ground.begin({ channel: CHANNEL, release: releaseOf(1), dir });
    expect(await reasonOf(trial.test(NEVER))).toMatch(/no such model/);
    await goesOn();
  }, 120_000);

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'that gets a %s while it decides is replaced at once',
    async (signal) => {
      // Longer than a process may be silent.
      const good = await begin(null, { probationMs: 60_000 });
      await good.test(NEVER);
      await good.switch(NEVER);
      await good.settle(NEVER);
      const watching = reasonOf(good.watch(NEVER));
      process.kill(candidatePid(), signal);
      expect(await watching).toMatch(signal === 'SIGKILL' ? /^crashed: signal SIGKILL/ : /^(silent|slow): /);
      // Before anybody has ended the trial, the running model decides.
      await site.until('the running model’s frames', () => (site.frames.at(-1)?.subject?.track ?? Infinity) < 2 ** 31);
      await good.end();
      await goesOn();
      process.stdout.write(`${/back to what ran before.*/.exec(site.log)?.[0] ?? 'not back'}\n`);
      site.log = '';
    },
    120_000,
  );

  /** Stands its test, and what follows must lead back: why, and the running model decides before anybody has ended the trial. */
  const failsAtTheDoor = async (bad: Trial, meanwhile: () => void = () => undefined): Promise<string> => {
    await bad.test(NEVER);
    const decides = async (): Promise<void> => {
      await bad.switch(NEVER);
      meanwhile();
      await bad.settle(NEVER);
      await bad.watch(NEVER);
    };
    const why = await reasonOf(decides());
    await bad.end();
    await site.until('the running model’s frames', () => (site.frames.at(-1)?.subject?.track ?? Infinity) < 2 ** 31);
    await goesOn();
    process.stdout.write(`${why}; ${/back to what ran before.*/.exec(site.log)?.[0] ?? 'not back'}\n`);
    site.log = '';
    return why;
  };

  it('that leaks is replaced when it has grown too far', async () => {
    const begun = join(site.slot('leak'), 'begun');
    const entry = faultyChild('vision', dirname(begun), FAULTS.leaks(begun));
    const bad = await begin(null, { probationMs: 60_000, memoryMiB: 200 }, entry);
    expect(await failsAtTheDoor(bad, () => writeFileSync(begun, ''))).toMatch(/^memory: /);
  }, 120_000);

  it('that dies under the load of all frames is replaced at once', async () => {
    const entry = faultyChild('vision', site.slot('load'), FAULTS.diesOfLoad());
    const bad = await begin(null, { probationMs: 60_000 }, entry);
    expect(await failsAtTheDoor(bad)).toMatch(/^crashed: /);
  }, 120_000);

  it('that keeps up with the frames of its test, but not with all of them, is replaced', async () => {
    const entry = faultyChild('vision', site.slot('lag'), FAULTS.lags());
    const bad = await begin(null, { probationMs: 60_000, maxStepIns: 0.1 }, entry);
    expect(await failsAtTheDoor(bad)).toMatch(/^(silent|slow): /);
  }, 120_000);

  it('is not blamed when the running process is started anew beside it', async () => {
    const good = await begin(null, { probationMs: 60_000 });
    await good.test(NEVER);
    await good.switch(NEVER);
    await good.settle(NEVER);
    const watching = good.watch(NEVER).catch((error: unknown) => error);
    process.kill(site.service.pid ?? 0, 'SIGKILL');
    expect(await watching).toBeInstanceOf(TrialPostponed);
    await good.end();
    await goesOn();
  }, 120_000);

  it('is cut off in the middle when it is no longer wanted', async () => {
    const good = await begin(null);
    const abort = new AbortController();
    const testing = good.test(abort.signal).catch((error: unknown) => (error as Error).name);
    await site.until('a second process', () => vision().length === 2);
    abort.abort();
    expect(await testing).toBe('AbortError');
    await good.end();
    await goesOn();
  }, 120_000);
});
