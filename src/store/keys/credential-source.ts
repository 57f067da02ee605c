import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../errors';
import { type BoxKeyCandidate, type BoxKeySource, KEY_FILE_MAX_BYTES, parseBoxKey } from './box-key';

export const CREDENTIAL = 'usher-box-key';
const NEXT = `${CREDENTIAL}-next`;

/**
 * A credential that systemd passes to the service (https://systemd.io/CREDENTIALS): in memory, for this service only,
 * and encrypted on disk with the TPM if `systemd-creds` can.
 */
export class CredentialSource implements BoxKeySource {
  readonly name = `systemd credential ${CREDENTIAL}`;

  /** @param folder the value of CREDENTIALS_DIRECTORY; null if it is not set */
  constructor(private readonly folder: string | null) {}

  read(): BoxKeyCandidate[] {
    return [this.candidateOf(NEXT, 'next'), this.candidateOf(CREDENTIAL, 'current')].filter((each) => each !== null);
  }

  create(): never {
    throw new UsherError('key-unusable', `there is no ${this.name}`, {
      remedy:
        'In the unit: LoadCredential=usher-box-key:/etc/usher/box.key (32 random bytes, for root only), or ' +
        'LoadCredentialEncrypted= and systemd-creds encrypt. For a command by hand: systemd-run -P with the same credential.',
    });
  }

  prepareNext(): BoxKeyCandidate {
    const next = this.candidateOf(NEXT, 'next');
    if (next !== null) return next;
    throw new UsherError('key-unusable', `there is no systemd credential ${NEXT} to rotate to`, {
      remedy: `Add LoadCredential=${NEXT}:FILE with a new key to the unit, restart the service, then rotate with both at hand.`,
    });
  }

  promoteNext(): string {
    return `Now load the key of ${NEXT} as ${CREDENTIAL}, remove ${NEXT} from the unit, restart the service and destroy the old key.`;
  }

  private candidateOf(name: string, slot: BoxKeyCandidate['slot']): BoxKeyCandidate | null {
    if (this.folder === null) return null;
    const file = join(this.folder, name);
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw new UsherError('key-unusable', `the credential ${file}: ${messageOf(error)}`, {
        remedy: 'Run it as the service: systemd gives the credential only to that account.',
        cause: error,
      });
    }
    try {
      const bytes = Buffer.alloc(KEY_FILE_MAX_BYTES + 1);
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      const key = parseBoxKey(bytes.subarray(0, length), `the credential ${name}`);
      bytes.fill(0);
      return { slot, where: file, key };
    } finally {
      closeSync(fd);
    }
  }
}
