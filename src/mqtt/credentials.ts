import { readFile } from 'node:fs/promises';
import { UsherError, messageOf, systemCode } from '../errors';

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
 * @throws UsherError `file-unreadable`, naming key and path.
 */
export async function readCredentials(files: CredentialFiles): Promise<Credentials> {
  const read = async (key: keyof CredentialFiles): Promise<Buffer | undefined> => {
    const path = files[key];
    if (path === undefined) return undefined;
    try {
      return await readFile(path);
    } catch (error) {
      throw new UsherError('file-unreadable', `mqtt.broker.${key}: ${path}: ${systemCode(error) ?? messageOf(error)}`, {
        remedy: 'make the file readable for the user that runs usher, or correct the path',
        cause: error,
      });
    }
  };
  const [password, ca, cert, key] = [
    await read('passwordFile'),
    await read('caFile'),
    await read('certFile'),
    await read('keyFile'),
  ];
  return {
    // The newline that every editor adds is not part of the password.
    ...(password === undefined ? {} : { password: password.toString('utf8').replace(/\r?\n$/, '') }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
