/** Why an actuator does not open, and which attack or accident each check stops. The one table of an actuator's refusals. */
export const REFUSALS = {
  retained: 'kept by the broker from earlier: at every reconnect it would open the door anew',
  malformed: 'too large, not JSON, or not the fields of an unlock: whatever a fuzzer or a confused program sends',
  'wrong-door': 'signed for another door: recorded there and shown here',
  'unknown-key':
    'signed by a key that nobody told this actuator to trust: another box, or a forger with a key of his own',
  'bad-signature': 'not what the box signed: forged, or a single bit of it changed (door, time, duration)',
  'clock-doubtful': 'this actuator’s clock jumped or went back: the age of the message is not known',
  'from-future': 'issued later than now: recorded while the box’s clock was ahead, to be shown when its time has come',
  expired: 'held up too long on its way: whoever it was for has gone, and somebody else may stand there',
  'long-lived': 'valid for longer than any unlock should be: it could be kept and shown later',
  'seen-nonce': 'obeyed already: a copy of it',
  sequence: 'older than, or as old as, one that was obeyed: held back, and shown after it',
  'older-boot': 'from a run of the box before the one that was obeyed last: held back over a restart',
  rate: 'more openings in a minute than people walk through: a box gone wild, or a stolen key',
  'not-recorded': 'it could not be written down that it was obeyed: a copy would be obeyed after a power cut',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

export class Refusal extends Error {
  constructor(
    readonly reason: RefusalReason,
    /** For a log: carries no value that the sender wrote. */
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`${reason}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
  }
}
