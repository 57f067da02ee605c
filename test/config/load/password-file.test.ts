import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { passwordIn, readPasswordFile } from '../../../src/config/load/password-file';
import { secrets } from '../../../src/secrets';

const read = (bytes: string | Buffer): string =>
  passwordIn(Buffer.from(bytes as string), 'mqtt.broker.passwordFile: /p');

describe('the password in a file', () => {
  test.each([
    ['alone', 'sesame'],
    ['with the newline of an editor', 'sesame\n'],
    ['with blank lines after it', 'sesame\n\n  \n\n'],
    ['with blank lines before it', '\n\nsesame\n'],
    ['from Windows', 'sesame\r\n'],
    ['with a byte order mark', '\ufeffsesame\r\n'],
  ])('%s', (_, text) => expect(read(text)).toBe('sesame'));

  test('spaces within and around it belong to it', () => expect(read(' open sesame \n')).toBe(' open sesame '));

  test.each([
    ['a second line', 'sesame\nadmin\n', 'has 2 lines that are not blank'],
    ['nothing', '', 'is empty'],
    ['blank lines alone', '\ufeff\n \n', 'is empty'],
    ['UTF-16', Buffer.from('\ufeffsesame', 'utf16le'), 'saved as UTF-16'],
    ['Latin-1', Buffer.from('sésame', 'latin1'), 'is not UTF-8 text'],
    ['a key in place of a password', 'x'.repeat(5000), 'larger than 4096 bytes'],
  ])('%s is refused, and the text is not shown', (_, text, why) => {
    const act = (): string => read(text);
    expect(act).toThrow(why);
    expect(act).toThrow('mqtt.broker.passwordFile: /p');
    expect(act).not.toThrow(/sesame|admin/);
  });

  test('whatever editors add, the line comes out as it was put in', () => {
    const line = fc
      .string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
      .filter((text) => text.trim() !== '' && !/[\r\n\0\ufeff]/.test(text));
    fc.assert(
      fc.property(
        line,
        fc.constantFrom('', '\ufeff'),
        fc.array(fc.constantFrom('\n', '\r\n', ' \n')),
        (text, mark, after) => {
          expect(read(`${mark}${text}${after.length === 0 ? '' : `\n${after.join('')}`}`)).toBe(text);
        },
      ),
    );
  });

  test('what was read is hidden from then on', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'usher-password-')), 'password');
    writeFileSync(file, 'only-in-the-file-7351\n');
    expect(await readPasswordFile(file, 'passwordFile')).toBe('only-in-the-file-7351');
    expect(secrets.hide('refused: only-in-the-file-7351')).toBe('refused: ***');
    await expect(readPasswordFile('/nowhere/p', 'mqtt.broker.passwordFile')).rejects.toThrow(
      'mqtt.broker.passwordFile: /nowhere/p: ENOENT',
    );
  });
});
