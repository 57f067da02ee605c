import { step } from '../../../src/access/door/door';
import { CLOSED_DOOR, type DoorEvent, type DoorSettings } from '../../../src/access/door-types';

const SETTINGS: DoorSettings = {
  ...{ mode: 'verify', verifyDistance: 1.1, identifyDistance: 1, frameDistance: 1.3, margin: 0.1, votes: 3 },
  ...{ voteWindowMs: 2000, voteSpacingMs: 30, deadlineMs: 5000, approachMs: 5000, cooldownMs: 0, absentMs: 800 },
  ...{ latencyMs: 0, liveness: { mode: 'off', frames: 3, motion: 'watch' } },
};
const face = (at: number, track: number, distance = 0.5): DoorEvent => ({
  ...{ type: 'face', at, track },
  evidence: { kind: 'encoded', nearest: [], claimed: { member: 'ann', distance, frameDistance: distance } },
});
const reasonOf = (faces: readonly DoorEvent[]): string[] => {
  let state = CLOSED_DOOR;
  const swipe: DoorEvent = { type: 'swipe', at: 0, reader: 'r', standing: { kind: 'active', member: 'ann' } };
  const events: DoorEvent[] = [{ type: 'camera', at: 0, live: true }, swipe, ...faces, { type: 'tick', at: 5001 }];
  return events.flatMap((event) => {
    const next = step(state, event, SETTINGS);
    state = next.state;
    return next.decisions.map(({ reason }) => reason);
  });
};

test.each([
  [
    'a camera of one frame in 1.2 s',
    [100, 1300, 2500, 3700, 4900].map((at, i) => face(at, i + 1)),
    'frames-too-far-apart',
  ],
  ['one agreeing frame, and nobody afterwards', [face(100, 1)], 'deadline'],
  [
    'a fast camera that the face matches now and then',
    Array.from({ length: 40 }, (_, i) => face(100 + i * 100, 1, i % 21 === 0 ? 0.5 : 1.2)),
    'deadline',
  ],
  ['a slow camera that sees another person', [100, 1300, 2500].map((at, i) => face(at, i + 1, 1.4)), 'mismatch'],
])('%s', (_name, faces, reason) => {
  expect(reasonOf(faces)).toEqual([reason]);
});
