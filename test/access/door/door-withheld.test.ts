import { step } from '../../../src/access/door/door';
import {
  CLOSED_DOOR,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
} from '../../../src/access/door-types';

const SETTINGS: DoorSettings = {
  mode: 'verify',
  verifyDistance: 1.1,
  identifyDistance: 1,
  frameDistance: 1.3,
  margin: 0.1,
  votes: 2,
  voteWindowMs: 1000,
  voteSpacingMs: 10,
  deadlineMs: 3000,
  approachMs: 2000,
  cooldownMs: 60_000,
  absentMs: 500,
  latencyMs: 0,
  liveness: { mode: 'off', frames: 3, motion: 'watch' },
};
const IDENTIFY: DoorSettings = { ...SETTINGS, mode: 'identify' };
const ann = { member: 'ann', distance: 0.5, frameDistance: 0.5 };

const swipe = (at: number): DoorEvent => ({
  type: 'swipe',
  at,
  reader: 'r',
  standing: { kind: 'active', member: 'ann' },
});
const face = (at: number): DoorEvent => ({
  type: 'face',
  at,
  track: 1,
  evidence: { kind: 'encoded', nearest: [ann], claimed: ann },
});
const store = (at: number, available: boolean): DoorEvent => ({ type: 'store', at, available });
const withheld = (at: number): DoorEvent => ({ type: 'withheld', at });

function play(events: readonly DoorEvent[], settings: DoorSettings): { state: DoorState; decisions: Decision[] } {
  const decisions: Decision[] = [];
  let state = step(CLOSED_DOOR, { type: 'camera', at: 0, live: true }, settings).state;
  for (const event of events) {
    const next = step(state, event, settings);
    state = next.state;
    decisions.push(...next.decisions);
  }
  return { state, decisions };
}

const said = (events: readonly DoorEvent[], settings: DoorSettings): string[] =>
  play(events, settings).decisions.map(({ at, outcome, reason }) => `${at} ${outcome} ${reason}`);

describe('a grant that was withheld because it could not be recorded', () => {
  const failed = [face(20), store(20, false), withheld(20)];

  it('costs the member no cooldown: the card counts again as soon as the journal can be written', () => {
    expect(
      said([swipe(0), face(10), ...failed, swipe(30), store(40, true), swipe(50), face(60), face(70)], SETTINGS),
    ).toEqual(['20 granted match', '30 denied store-unavailable', '70 granted match']);
  });

  it('leaves a member who is still standing there to be recognised again, without a card', () => {
    expect(said([face(10), ...failed, face(30), face(40), store(50, true), face(60), face(70)], IDENTIFY)).toEqual([
      '20 granted match',
      '70 granted match',
    ]);
  });

  it('keeps no vote of before: the evidence is gathered anew', () => {
    expect(said([face(10), ...failed, store(30, true), face(40)], IDENTIFY)).toEqual(['20 granted match']);
  });

  it('tells who waits in vain why, once', () => {
    const events = [face(10), ...failed, ...Array.from({ length: 12 }, (_, i) => face(300 * (i + 1)))];
    expect(said(events, IDENTIFY)).toEqual(['20 granted match', '2100 denied store-unavailable']);
  });

  it('at a door where nobody stands changes nothing but the cooldown', () => {
    const before = play([swipe(0)], SETTINGS).state;
    expect(step(before, withheld(5), SETTINGS)).toEqual({ state: { ...before, cooldownUntil: 5 }, decisions: [] });
  });
});
