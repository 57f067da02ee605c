import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ChannelUpdater } from '../../../src/fleet/update/channel-updater';
import { Exclusive } from '../../../src/fleet/update/exclusive';
import type { ReleaseVerifier, Transfer } from '../../../src/fleet/release';
import { Slots } from '../../../src/fleet/update/slots';
import type { UpdateTarget } from '../../../src/fleet/update/trial';
import { idleState, type Installed, type Pointer } from '../../../src/fleet/update/update-state';
import { installedOf, offerOf, OPEN, releaseOf } from '../samples';
import { until } from '../../support/until';

const CHANNEL = 'face/encoder';
const wish = (n: number, aborted = false) => ({
  offer: offerOf(n, aborted ? { ...OPEN, state: 'aborted', why: 'it was bad' } : OPEN),
  from: 'group all',
});
const absent = (): never => {
  throw new Error('nobody is asked for this');
};

describe('a channel of a box', () => {
  let dir: string;
  let slots: Slots;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-channel-'));
    slots = new Slots(dir);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** With release 1 active and release 2 staged; `adopt` is what the trial does at the moment of the commit. */
  function channelWith(adopt: (signal: AbortSignal) => Promise<void>) {
    slots.prepare(CHANNEL);
    slots.activate(CHANNEL, installedOf(1));
    const candidate = { ...wish(2), release: releaseOf(2) };
    slots.saveState({ ...idleState(CHANNEL, 0), state: 'staged', candidate });
    mkdirSync(slots.dirOf(CHANNEL, releaseOf(2)));
    const restored: (string | null)[] = [];
    const ground: UpdateTarget = {
      running: () => ({ version: '1.1.0', space: null, dir: null }),
      obstacle: () => null,
      begin: () => ({
        test: () => Promise.resolve({ agreement: 1 }),
        switch: () => Promise.resolve(),
        settle: () => Promise.resolve(),
        watch: () => Promise.resolve({ agreement: 1 }),
        adopt,
        end: () => Promise.resolve(),
      }),
      restore: (_, to) => Promise.resolve(void restored.push(to)),
    };
    let last: { state: string; active: string | null } = { state: '', active: null };
    const updater = new ChannelUpdater(CHANNEL, {
      ...{
        slots,
        target: ground,
        trials: new Exclusive(),
        placeOf: () => 0,
        now: Date.now,
        random: () => 0,
        probationMs: 1,
      },
      verifier: { authenticate: absent, verify: absent } satisfies ReleaseVerifier,
      transfer: { fetch: absent, forget: absent } satisfies Transfer,
      changed: () => (last = { state: updater.state.state, active: active()?.release ?? null }),
      log: { info: () => undefined, warn: () => undefined },
    });
    return { updater, restored, last: () => last };
  }
  const active = (): Installed | null => (slots.pointer(CHANNEL) satisfies Pointer).active;

  it.each([
    ['that lets itself be cut off', (signal: AbortSignal) => rejectedBy(signal)],
    ['that goes on to its end', (signal: AbortSignal) => rejectedBy(signal).catch(() => undefined)],
  ])('goes back, and says so, when the release is taken back in a commit %s', async (_, adopt) => {
    let adopting = false;
    const { updater, restored, last } = channelWith((signal) => {
      adopting = true;
      return adopt(signal);
    });
    updater.start();
    updater.want(wish(2));
    await until('the commit', () => adopting);
    expect(active()?.release).toBe(offerOf(2).release);
    updater.want(wish(2, true));
    await until('the way back', () => restored.length === 1 && updater.state.leaving === null);
    const back = { state: 'rolled-back', active: offerOf(1).release };
    expect(last()).toEqual(back);
    expect(active()).toEqual(installedOf(1));
    expect(restored).toEqual([slots.dirOf(CHANNEL, installedOf(1))]);
    expect(updater.state).toMatchObject({ reason: 'aborted', quarantine: [{ release: offerOf(2).release }] });
    // It is not in the way of what comes next.
    updater.want(wish(3, true));
    expect(updater.state.candidate?.offer.release).toBe(offerOf(3).release);
    await updater.stop();
  });

  it('starts with the release that ran before when the daemon ends in a commit', async () => {
    let adopting = false;
    const { updater } = channelWith((signal) => {
      adopting = true;
      return rejectedBy(signal);
    });
    updater.start();
    updater.want(wish(2));
    await until('the commit', () => adopting);
    await updater.stop();
    expect(active()).toEqual(installedOf(1));
    expect(slots.state(CHANNEL, 0).state).toBe('probation');
  });
});

function rejectedBy(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}
