import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { messageOf, systemCode, UsherError } from '../../errors';
import { type BoxKeyCandidate, type BoxKeySource, KEY_FILE_MAX_BYTES, parseBoxKey } from './box-key';

const TIMEOUT_MS = 10_000;
/** How a context file of tpm2-tools begins (tpm2-tools, lib/files.c). */
const CONTEXT_MAGIC = 0xbadcc0de;

/**
 * A key that only this machine's TPM opens, by `tpm2_unseal` of tpm2-tools. Attack it stops: the disk is taken out and read
 * elsewhere. Asked at start and when the key was rotated, not in between.
 */
export class TpmSource implements BoxKeySource {
  readonly name: string;

  /**
   * @param file absolute path of the serialised handle of the sealed object, made persistent, as `tpm2_evictcontrol -o` writes it. The
   * context that `tpm2_create -c` or `tpm2_load -c` writes is refused: it opens today, and never again after the next reboot.
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
    return `Now put ${this.next} in place of ${this.file} (mv), so that the old key is gone.`;
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
    // Not the error itself as cause: Node hangs what the command wrote, the key it may be, onto it.
    const why = systemCode(error) ?? messageOf(error).split('\n')[0] ?? '';
    return new UsherError('key-unusable', `the TPM does not open the box key ${file} (${why})`, {
      remedy: `Try it by hand: ${this.command} -c ${file} | wc -c. After a change of firmware or boot chain the key must be sealed anew.`,
    });
  }
}

function howToSeal(file: string): string {
  return `Seal a key, under a handle that is free: tpm2_createprimary -C o -c primary.ctx; openssl rand 32 | tpm2_create -C primary.ctx -i- -u key.pub -r key.priv; tpm2_load -C primary.ctx -u key.pub -r key.priv -c key.ctx; tpm2_evictcontrol -C o -c key.ctx -o ${file} 0x81010001`;
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
    `${file} is the context of a loaded object, which the next reboot makes worthless`,
    {
      remedy: `Make the object persistent and name its handle's file: tpm2_evictcontrol -C o -c ${file} -o NEWFILE 0x81010001`,
    },
  );
}
