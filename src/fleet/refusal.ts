import { messageOf, UsherError } from '../errors';

/**
 * Why a release is not taken, closed. `again`: the same bytes may be taken later (clock, requirement, a fresher repository).
 * Otherwise they never will: they belong into quarantine.
 */
export const RELEASE_REFUSALS = {
  malformed: { again: false, means: 'the offer is not of the form of one' },
  'wrong-device': { again: false, means: 'the offer is signed for another box' },
  'wrong-group': { again: false, means: 'the offer is signed for a group that this box is not in' },
  unsigned: { again: false, means: 'the offer carries too few signatures' },
  'unknown-key': { again: true, means: 'the offer is signed with keys that the fleet’s root does not name' },
  'bad-signature': { again: false, means: 'a signature of the offer does not fit its text' },
  'offer-expired': { again: true, means: 'the offer is past its time' },
  'offer-replayed': { again: false, means: 'a later offer for the same addressee was seen before' },
  'root-unsigned': { again: true, means: 'a new root has too few signatures of the old or of its own keys' },
  'root-version': { again: true, means: 'a new root does not follow the one that is trusted' },
  'metadata-unsigned': { again: true, means: 'metadata has too few signatures of the keys that the root names' },
  'metadata-expired': { again: true, means: 'metadata is past its time: it is old, or the clock is ahead' },
  'metadata-older': { again: true, means: 'metadata is older than what was seen before' },
  'metadata-mixed': { again: true, means: 'metadata of different times was put together' },
  'metadata-malformed': { again: true, means: 'metadata is not of the form of such' },
  'metadata-missing': { again: true, means: 'the repository does not have a file that must be there' },
  'endless-data': { again: true, means: 'more bytes came than were announced' },
  'too-slow': { again: true, means: 'bytes drip slower than the transfer could ever end' },
  revoked: { again: true, means: 'the fleet withdrew this release, or never had it' },
  'target-swapped': { again: true, means: 'the offer and the repository name different bytes for the release' },
  'digest-mismatch': { again: true, means: 'bytes do not have the digest that was signed' },
  'document-malformed': { again: false, means: 'the release’s document is not of the form of one' },
  'document-differs': {
    again: false,
    means: 'the release’s document is for another channel, version or release than the offer',
  },
  'release-expired': { again: false, means: 'the release may not be begun any more' },
  oversize: { again: false, means: 'the release is larger than a box takes' },
  'version-older': { again: true, means: 'an older version than the running one, and not signed as a rollback' },
  'serial-older': { again: true, means: 'an earlier release than the one that runs' },
  'requires-usher': { again: true, means: 'it needs a newer usher' },
  'requires-arch': { again: false, means: 'it is for another processor' },
  'requires-memory': { again: true, means: 'it needs more memory than the machine has' },
  'embedding-space': {
    again: true,
    means: 'its vectors are of another space, and the release claims that they are not',
  },
  'archive-malformed': { again: false, means: 'the archive is not of the plain form that is made by publishing' },
  'archive-link': { again: false, means: 'the archive holds something else than ordinary files' },
  'archive-path': { again: false, means: 'the archive names a file outside of its folder, or one twice' },
  'archive-too-many': { again: false, means: 'the archive holds more files than a release may' },
  'card-invalid': { again: false, means: 'the bundle’s card is missing or breaks its rules' },
  'card-differs': { again: false, means: 'the card speaks of another model than the release' },
  'file-unlisted': { again: false, means: 'the archive holds a file that the card does not name' },
  'file-missing': { again: false, means: 'the card names a file that the archive does not hold' },
  'file-digest': { again: false, means: 'a file does not have the digest that the card says' },
  'config-invalid': { again: false, means: 'the settings in it are none that a fleet may change' },
  'thresholds-invalid': { again: false, means: 'the table of thresholds in it is not one' },
} as const satisfies Record<string, { again: boolean; means: string }>;
export type RefusalCode = keyof typeof RELEASE_REFUSALS;

/** A release or an offer that is not taken, and why. */
export class ReleaseRefused extends UsherError {
  constructor(
    readonly reason: RefusalCode,
    detail: string,
    cause?: unknown,
  ) {
    super('release-refused', `release refused (${reason}): ${RELEASE_REFUSALS[reason].means}: ${detail}`, {
      remedy: 'Nothing was changed; the running model goes on. See `usher fleet status` for who offered it.',
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'ReleaseRefused';
  }

  /** Whether the very same offer may be taken another time. */
  get again(): boolean {
    return RELEASE_REFUSALS[this.reason].again;
  }
}

/** @throws ReleaseRefused */
export function refuse(reason: RefusalCode, detail: string, cause?: unknown): never {
  throw new ReleaseRefused(reason, cause === undefined ? detail : `${detail}: ${messageOf(cause)}`, cause);
}
