/** Why an actuator refuses an unlock, and which attack or accident each check prevents. The only table of refusals. */
export const REFUSALS = {
  retained: 'retained by the broker: it would open the door again at every reconnect',
  malformed: 'too large, not JSON, or not the fields of an unlock: sent by a fuzzer or a faulty program',
  'wrong-door': 'signed for another door: recorded there and replayed here',
  'unknown-key': 'signed by a key that this actuator does not trust: another box, or a forger with another key',
  'bad-signature': 'not what the box signed: forged or altered (door, time, duration)',
  'clock-doubtful': 'this actuator’s clock jumped or went back, so the age of the message is unknown',
  'from-future': 'issued in the future: recorded while the box’s clock was ahead, to be replayed at that time',
  expired: 'delayed too long: the person has left, and another person may stand at the door',
  'long-lived': 'valid for longer than allowed: it could be stored and replayed later',
  'seen-nonce': 'already obeyed: a copy',
  sequence: 'not newer than one that was obeyed: held back and replayed after it',
  'older-boot': 'from an earlier run of the box than the last one obeyed: held back over a restart',
  rate: 'more openings in a minute than people can walk through: a faulty box or a stolen key',
  'not-recorded': 'it could not be recorded as obeyed: a copy would open the door after a power cut',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

export class Refusal extends Error {
  constructor(
    readonly reason: RefusalReason,
    /** For a log. Contains no value that the sender chose. */
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`${reason}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
  }
}
