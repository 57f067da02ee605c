/** Every outcome of a decision, with what it means to the person who reads a log. The one table of reason codes. */
export const REASONS = {
  match: 'the face matched in enough frames',
  'no-face': 'a card was swiped, but no face was seen before the deadline',
  'low-quality': 'faces were seen, but none was large, sharp, light or frontal enough to decide on',
  mismatch: 'the face is not that of the member whose card was swiped',
  'unknown-face': 'nobody among the members is near enough',
  ambiguous: 'two members are nearly equally near',
  deadline: 'the face matched, but in too few frames before the deadline',
  'unknown-member': 'no member has this identifier',
  'member-suspended': 'the member is suspended',
  'no-template': 'the member has no picture enrolled for the encoder that is running',
  superseded: 'another card was swiped before this one was decided',
  cooldown: 'the door was opened a moment ago',
  'camera-unavailable': 'the camera gave no picture while it was needed',
  'store-unavailable': 'the members could not be read',
  shutdown: 'usher was stopped before the decision',
} as const;

export type Reason = keyof typeof REASONS;
export type DenialReason = Exclude<Reason, 'match'>;
