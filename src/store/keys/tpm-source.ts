import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { messageOf, systemCode, UsherError } from '../../errors';
import { type BoxKeyCandidate, type BoxKeySource, KEY_FILE_MAX_BYTES, parseBoxKey } from './box-key';

const TIMEOUT_MS = 10_000;
/** The first bytes of a context file of tpm2-tools (tpm2-tools, lib/files.c). */
const CONTEXT_MAGIC = 0xbadcc0de;

/**
 * A key that only this machine's TPM opens, through `tpm2_unseal` of tpm2-tools. Prevents that a stolen disk is read
 * elsewhere. It is used at the start and after a rotation.
 */
export class TpmSource implements BoxKeySource {
  readonly name: string;

  /**
   * @param file absolute path of the serialised handle of the sealed, persistent object, as `tpm2_evictcontrol -o`
   * writes it. A context from `tpm2_create -c` or `tpm2_load -c` is refused: it works now, but not after the next
   * reboot.
   */
  constructor(
    private readonly file: string,
    private readonly command = 'tpm2_unseal',
  ) {
    this.name = `TPM-sealed file ${file}`;
  }

  private get next(): string {
    return `${this.file}.next`;
  }

  read(): BoxKeyCandidate[] {
    return [this.candidateOf(this.next, 'next'), this.candidateOf(this.file, 'current')].filter(
      (each) => each !== null,
    );
  }

  create(): never {
    throw new UsherError('key-unusable', `there is no ${this.name}`, { remedy: howToSeal(this.file) });
  }

  prepareNext(): BoxKeyCandidate {
    const next = this.candidateOf(this.next, 'next');
    if (next !== null) return next;
    throw new UsherError('key-unusable', `there is no ${this.next} to rotate to`, {
      remedy: howToSeal(this.next),
    });
  }

  promoteNext(): string {
    return `Now replace ${this.file} by ${this.next} (mv), so that the old key is destroyed.`;
  }

  private candidateOf(file: string, slot: BoxKeyCandidate['slot']): BoxKeyCandidate | null {
    if (!existsSync(file)) return null;
    requirePersistent(file);
    let bytes: Buffer;
    try {
      bytes = execFileSync(this.command, ['-c', file], {
        timeout: TIMEOUT_MS,
        maxBuffer: KEY_FILE_MAX_BYTES,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      throw this.failure(file, error);
    }
    const key = parseBoxKey(bytes, `the TPM's answer for ${file}`);
    bytes.fill(0);
    return { slot, where: file, key };
  }

  private failure(file: string, error: unknown): UsherError {
    if (systemCode(error) === 'ENOENT')
      return new UsherError('dependency-missing', `${this.command} is not installed; it opens the box key ${file}`, {
        remedy: 'Install the package tpm2-tools.',
      });
    // Without the original error as cause: Node attaches the command's output to it, which may be the key.
    const why = systemCode(error) ?? messageOf(error).split('\n')[0] ?? '';
    return new UsherError('key-unusable', `the TPM does not open the box key ${file} (${why})`, {
      remedy: `Run it by hand: ${this.command} -c ${file} | wc -c. After a change of firmware or boot chain the key must be sealed again.`,
    });
  }
}

function howToSeal(file: string): string {
  return `Seal a key under a free handle: tpm2_createprimary -C o -c primary.ctx; openssl rand 32 | tpm2_create -C primary.ctx -i- -u key.pub -r key.priv; tpm2_load -C primary.ctx -u key.pub -r key.priv -c key.ctx; tpm2_evictcontrol -C o -c key.ctx -o ${file} 0x81010001`;
}

function requirePersistent(file: string): void {
  const head = Buffer.alloc(4);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, 4, 0);
  } finally {
    closeSync(descriptor);
  }
  if (head.readUInt32BE(0) !== CONTEXT_MAGIC) return;
  throw new UsherError(
    'key-unusable',
    `${file} is the context of a loaded object, which is invalid after the next reboot`,
    {
      remedy: `Make the object persistent and name the file of its handle: tpm2_evictcontrol -C o -c ${file} -o NEWFILE 0x81010001`,
    },
  );
}
