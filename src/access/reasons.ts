/**
 * Every outcome of a decision and its meaning for a person who reads a log. `docs/reference/reasons.md` says what to
 * do.
 */
export const REASONS = {
  match: 'the face matched in enough frames',
  card: 'the card alone opens this door at this time',
  'hold-open': 'an order keeps the door open',
  'no-face': 'a card was swiped, but no face was seen before the deadline',
  'low-quality':
    'faces were seen, but none was large, sharp, light or frontal enough to decide on, or the picture was frozen',
  mismatch: 'the face is not the one of the member whose card was swiped',
  'unknown-face': 'no member’s face is near enough',
  ambiguous: 'the two nearest members are almost equally near',
  'frames-too-far-apart':
    'the face matched, but the camera is too slow: its frames are too far apart to gather the votes',
  deadline: 'the face matched, but in too few frames before the deadline',
  'fake-face': 'the face looks like a picture or a screen, not like a person',
  'liveness-unknown': 'the face matched, but there was not enough time to see whether it is a person or a picture',
  'unknown-member': 'no member has this identifier',
  'member-suspended': 'the member is suspended',
  'not-yet-valid': 'the membership has not begun',
  'no-longer-valid': 'the membership has ended',
  'no-right': 'no rule gives the member a right to this door',
  'outside-schedule': 'the member has a right to this door, but not at this time',
  'anti-passback': 'the member is already inside, or passed a short time ago',
  'zone-full': 'the zone behind the door is full',
  'second-person': 'the first of two members was recognised; the second must follow within a short time',
  'locked-out': 'too many failures at this reader, at this door or with this card: locked for a while',
  'rate-limited': 'more swipes at this reader than are allowed',
  lockdown: 'the door is locked down',
  'policy-unknown': 'the record of who is inside and of open orders was lost; an operator must send a reset',
  'clock-doubtful': 'this box’s clock jumped or went back, so actuators would refuse its unlocks',
  'clock-unknown': 'the time of day is not known, and the rules depend on it',
  'no-template': 'the member has no usable picture enrolled for the encoder that is running',
  'member-damaged': 'the stored data of this member is damaged or was changed outside usher',
  superseded: 'another card was swiped before this one was decided',
  cooldown: 'the door was opened a moment ago',
  'camera-unavailable': 'the camera gave no picture while it was needed',
  'store-unavailable': 'the members could not be read',
  shutdown: 'usher was stopped before the decision',
} as const;

export type Reason = keyof typeof REASONS;
export type GrantReason = 'match' | 'card' | 'hold-open';
export type DenialReason = Exclude<Reason, GrantReason>;

export const GRANT_REASONS: ReadonlySet<string> = new Set<GrantReason>(['match', 'card', 'hold-open']);

/** Denials that count towards a lock-out: a person used another person's card. */
export const COUNTS_AS_FAILURE: ReadonlySet<string> = new Set<DenialReason>([
  'mismatch',
  'unknown-face',
  'fake-face',
  'unknown-member',
]);

/** Why a swipe, a contact's message or a command was refused before a decision. */
export const REFUSALS = {
  retained: 'it is an old message that the broker had retained',
  'unknown-reader': 'no door has this reader',
  'unknown-contact': 'no contact is configured for this door',
  'wrong-source': 'this reader is attached to the box, so its swipes cannot come over MQTT',
  'missing-mac': 'this reader has a key, but the message has no MAC',
  'missing-counter': 'the message has no counter',
  'bad-mac': 'altered, made with another key, or for another reader, box or site',
  'clock-doubtful': 'this box does not trust its clock at present, so the age of the message is unknown',
  stale: 'too old',
  'from-future': 'the sender’s clock is ahead',
  duplicate: 'it was received before',
  'out-of-order': 'a later one was received before',
  'counter-leap':
    'the counter is far above the last one and above the time; accepting it would lock this reader out for ever',
  'counter-unsaved': 'the counter could not be saved, so a repeated message would not be detected',
  flooded: 'too many messages at the same time',
  'malformed-line': 'a line of a local reader that is neither an identifier nor a SWIPE',
  unsigned: 'this command must be signed',
  'unknown-key': 'signed with a key that this box does not trust',
  'bad-signature': 'altered, or for another verb, box or site',
  expired: 'it has expired, or its validity is too long',
  replayed: 'this command was obeyed before',
} as const;
