import { readFile } from 'node:fs/promises';
import { messageOf, systemCode, UsherError } from '../../errors';
import { secrets } from '../../secrets';

/**
 * The password in a file: its only line. What editors add without showing it (a byte order mark, a newline at the end, blank lines)
 * is not part of it; spaces within the line are.
 * @param key that names the file, for messages
 * @throws UsherError `file-unreadable`, or `config-invalid` where the file is empty, has a second line or is no UTF-8 text
 */
export async function readPasswordFile(file: string, key: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new UsherError('file-unreadable', `${key}: ${file}: ${systemCode(error) ?? messageOf(error)}`, {
      remedy: 'Make the file readable for the user that runs usher, or correct the path.',
      cause: error,
    });
  }
  const password = passwordIn(bytes, `${key}: ${file}`);
  secrets.learn(password);
  return password;
}

const MAX_BYTES = 4096;
const REMEDY = 'Write the password as the only line of the file, in UTF-8: printf %s PASSWORD > FILE';

/** @param where key and file, for messages */
export function passwordIn(bytes: Buffer, where: string): string {
  const fail = (what: string): UsherError => new UsherError('config-invalid', `${where}: ${what}`, { remedy: REMEDY });
  if (bytes.length > MAX_BYTES) throw fail(`is larger than ${MAX_BYTES} bytes, too large for a password`);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw fail('is saved as UTF-16');
  let text: string;
  try {
    // Takes the byte order mark away.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fail('is not UTF-8 text');
  }
  if (text.includes('\0')) throw fail('holds a NUL character');
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
  const [password, ...more] = lines;
  if (password === undefined) throw fail('is empty');
  if (more.length > 0)
    throw fail(`has ${lines.length} lines that are not blank, so it is unclear which one is the password`);
  return password;
}
