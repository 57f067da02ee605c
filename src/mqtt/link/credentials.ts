import { readFile } from 'node:fs/promises';
import { readPasswordFile } from '../../config/load/password-file';
import { UsherError, messageOf, systemCode } from '../../errors';
import { type BrokerKeys, brokerKey } from './problems';

export interface CredentialFiles {
  readonly passwordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Credentials {
  readonly password?: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads what the files hold now. Called before every attempt, so that a renewed certificate or password is picked up without a
 * restart.
 * @throws UsherError `file-unreadable`, naming key and path; `config-invalid` for a password file that leaves the password open
 */
export async function readCredentials(files: CredentialFiles, named: BrokerKeys = 'device'): Promise<Credentials> {
  const read = async (key: 'caFile' | 'certFile' | 'keyFile'): Promise<Buffer | undefined> => {
    const path = files[key];
    if (path === undefined) return undefined;
    try {
      return await readFile(path);
    } catch (error) {
      throw new UsherError(
        'file-unreadable',
        `${brokerKey(key, named)}: ${path}: ${systemCode(error) ?? messageOf(error)}`,
        {
          remedy: 'make the file readable for the user that runs usher, or correct the path',
          cause: error,
        },
      );
    }
  };
  const { passwordFile } = files;
  const password =
    passwordFile === undefined ? undefined : await readPasswordFile(passwordFile, brokerKey('passwordFile', named));
  const [ca, cert, key] = [await read('caFile'), await read('certFile'), await read('keyFile')];
  return {
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
