import type { PictureRefusal, PictureVerdict } from '../../access/members/enrolment';
import type { QualityRefusal } from '../../events';

const GATES: Record<QualityRefusal | 'not-encoded', string> = {
  'outside-region': 'the face is outside the region of interest',
  'cut-off': 'the face is cut off by the edge',
  'too-small': 'the face is too small; come closer, or use a larger picture',
  'too-dark': 'the face is too dark',
  'too-bright': 'the face is too bright',
  'low-contrast': 'the face has too little contrast; is there fog, backlight or a dirty lens?',
  'turned-away': 'the face is turned away; look at the camera',
  blurred: 'the face is blurred; hold still, or use a sharper picture',
  unmoved: 'the picture does not change; move a little',
  'not-encoded': 'the face could not be encoded',
};

/** @param gate why a face was not used @returns the reason and what the person should do */
export function describeGate(gate: QualityRefusal | 'not-encoded'): string {
  return GATES[gate];
}

/** One line about one picture, for a person. */
export function describeVerdict(picture: PictureVerdict): string {
  return picture.accepted
    ? `${picture.name}: accepted, quality ${picture.quality.score.toFixed(2)}${picture.rotate === 0 ? '' : `, turned by ${picture.rotate} degrees`}`
    : `${picture.name}: refused, ${describeRefusal(picture.refusal)}`;
}

function describeRefusal(refusal: PictureRefusal): string {
  switch (refusal.reason) {
    case 'unreadable':
      return refusal.detail;
    case 'no-face':
      return 'no face was found';
    case 'which-way-up':
      return 'it is unclear which side is up; turn the picture upright';
    case 'several-faces':
      return `${refusal.faces} faces were found; cut the picture down to one`;
    case 'low-quality':
      return describeGate(refusal.gate);
    case 'different-person':
      return `not the same person as ${refusal.other} (distance ${refusal.distance.toFixed(3)}, limit ${refusal.limit.toFixed(3)})`;
  }
}

/** The same for programs. Never contains a vector. */
export function verdictJson(picture: PictureVerdict): object {
  const { name, accepted } = picture;
  return picture.accepted
    ? { name, accepted, rotate: picture.rotate, quality: picture.quality }
    : { name, accepted, ...picture.refusal };
}
