import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsherError } from '../../errors';
import type { BoxKeySource } from './box-key';
import { CREDENTIAL, CredentialSource } from './credential-source';
import { FileSource } from './file-source';
import { TpmSource } from './tpm-source';

export interface BoxKeySettings {
  /** auto: the systemd credential if there is one, else the file. */
  readonly source: 'auto' | 'file' | 'credential' | 'tpm';
  /** Absolute path of the key file, or of the file that the TPM sealed. */
  readonly file?: string | undefined;
}

export interface BoxKeyPlaces {
  readonly dataDir: string;
  /** Value of CREDENTIALS_DIRECTORY. */
  readonly credentialsDir: string | null;
}

/** @throws UsherError `config-invalid` */
export function boxKeySource(
  { source, file }: BoxKeySettings,
  { dataDir, credentialsDir }: BoxKeyPlaces,
): BoxKeySource {
  const keyFile = (): BoxKeySource => new FileSource(file ?? join(dataDir, 'keys', 'box.key'));
  switch (source) {
    case 'file':
      return keyFile();
    case 'credential':
      return new CredentialSource(credentialsDir);
    case 'tpm':
      if (file !== undefined) return new TpmSource(file);
      throw new UsherError('config-invalid', 'security.boxKey: source tpm needs the sealed file', {
        remedy: 'Name it: boxKey: { source: tpm, file: /var/lib/usher/box-key.ctx }',
      });
    case 'auto':
      return credentialsDir !== null && existsSync(join(credentialsDir, CREDENTIAL))
        ? new CredentialSource(credentialsDir)
        : keyFile();
  }
}
