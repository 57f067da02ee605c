import fc from 'fast-check';
import { maskAddress, maskAddresses, parseAddress } from '../src/address';
import { UsherError, messageOf } from '../src/errors';
import { Secrets } from '../src/secrets';
import { addresses, holdsSecret } from './support/addresses';

describe('an address as a person may see it', () => {
  test.each([
    ['mqtt://a:b@h:1', 'mqtt://h:1'],
    ['wss://h/mqtt?key=1', 'wss://h/…'],
    ['rtsp://admin:12345@10.0.0.5:554/Streaming/Channels/101', 'rtsp://10.0.0.5:554/…'],
    ['http://[fe80::1]:8080/', 'http://[fe80::1]:8080'],
    // A password with a character that ends the host part: where the host begins is not certain.
    ['rtsp://admin:12/34@10.0.0.5/s', 'rtsp://***'],
    ['rtsp://admin:pa#ss@10.0.0.5/s', 'rtsp://***'],
    ['rtsp://admin:12?34@10.0.0.5/s', 'rtsp://***'],
    ['http://admin:12\\34@10.0.0.5/s', 'http://***'],
    ['rtsp://admin:p@ss@10.0.0.5/s', 'rtsp://10.0.0.5/…'],
    ['rtsp://admin:secret/s', 'rtsp://***'],
    ['http://camera/?user=admin&password=x', 'http://camera/…'],
    ['rtsp://camera/user=admin_password=x_channel=1', 'rtsp://camera/…'],
    ['admin:secret@10.0.0.5/stream', '***'],
    ['10.0.0.5/video?password=x', '***'],
    ['/dev/video0', '/dev/video0'],
    ['/var/clips/b@home.mp4', '/var/clips/b@home.mp4'],
    ['file:///clips/a.mp4', 'file:///clips/a.mp4'],
  ])('%s', (address, shown) => expect(maskAddress(address)).toBe(shown));

  test('what is around it stays', () => {
    const text =
      '[rtsp @ 0x5581] method DESCRIBE failed\nrtsp://u:secret@cam:554/s: Invalid data (see "http://u:secret@cam")';
    expect(maskAddresses(text)).not.toContain('secret');
    expect(maskAddresses('a\nrtsp://u:secret@cam:554/s: Invalid data')).toBe('a\nrtsp://cam:554/…: Invalid data');
    expect(maskAddresses('rtsp://u:my secret@cam/s: refused')).toBe('rtsp://***: refused');
    expect(maskAddresses('nothing @ all')).toBe('nothing @ all');
    expect(maskAddresses('an rtsp:// or http:// address, @ is %40')).toBe('an rtsp:// or http:// address, @ is %40');
    const once = maskAddresses('rtsp://u:p/w@h/s and "rtsp://u:p@h/s": write @ as %40');
    expect(maskAddresses(once)).toBe(once);
  });

  test('whatever the address, no part of its credentials is shown, alone or within a text', () => {
    fc.assert(
      fc.property(
        addresses(),
        fc.constantFrom('', 'open ', '[in#0 @ 0x1] Error opening input: '),
        ({ address, secrets }, before) => {
          for (const secret of secrets) {
            expect(holdsSecret(maskAddress(address), secret)).toBeNull();
            expect(holdsSecret(maskAddresses(`${before}${address}: Connection refused`), secret)).toBeNull();
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('whatever the text, the host is the one that Node takes, or none', () => {
    fc.assert(
      fc.property(addresses(), ({ address }) => {
        const parts = parseAddress(address);
        if (parts === null || !URL.canParse(address)) return;
        expect(new URL(address).hostname.toLowerCase()).toBe(parts.host.replace(/:\d+$/, '').toLowerCase());
      }),
      { numRuns: 1000 },
    );
  });
});

describe('secrets that were met', () => {
  test('are hidden in every form in which a program repeats them', () => {
    const met = new Secrets();
    met.learnLogin('admin', 'pä ss/wörd#1');
    for (const text of [
      'pä ss/wörd#1',
      encodeURIComponent('pä ss/wörd#1'),
      encodeURIComponent('pä ss/wörd#1').replace(/%../g, (code) => code.toLowerCase()),
      `Authorization: Basic ${Buffer.from('admin:pä ss/wörd#1').toString('base64')}`,
      JSON.stringify({ why: 'pä ss/wörd#1' }),
    ])
      expect(met.hide(`before ${text} after`)).toMatch(/^before .*\*\*\*.* after$/);
  });

  test('a short one is hidden as a word of its own, and ordinary words stay', () => {
    const met = new Secrets();
    met.learn('admin');
    met.learn('a');
    expect(met.hide('admin is no administrator of a camera')).toBe('*** is no administrator of a camera');
  });

  test('a secret as long as a file is hidden, and nothing fails for it', () => {
    const met = new Secrets();
    const long = Array.from({ length: 20_000 }, (_, n) => n.toString(36)).join('-');
    met.learn(long);
    met.learn('another-secret');
    expect(met.hide(`it said ${long} and another-secret`)).toBe('it said *** and ***');
  });

  test.each([
    ['a row of dots', `a://h/${'.'.repeat(200_000)}x`],
    ['a row of colons', `a://${':'.repeat(200_000)}x`],
    ['many addresses', 'a://b '.repeat(30_000)],
    ['many parameters', 'a://b?c=d: E '.repeat(15_000)],
  ])('%s takes no time', (_, text) => {
    const before = process.cpuUsage().user;
    new Secrets().hide(text);
    // Two thousand times this much, where the time is quadratic.
    expect(process.cpuUsage(undefined).user - before).toBeLessThan(5_000_000);
  });

  test('are found in a configuration, in addresses and in arguments', () => {
    const met = new Secrets();
    met.learnFrom({
      cameras: [{ source: { input: 'rtsp://admin:12/34567890@cam/s' } }],
      fleet: { source: { url: 'https://fleet.example/x?token=tok-1234567' } },
      argv: ['/usr/bin/curl', '-u', 'admin:sesame-street', '--token=abcdefgh1', 'http://cam/ir'],
    });
    for (const secret of ['12/34567890', 'tok-1234567', 'sesame-street', 'abcdefgh1'])
      expect(met.hide(`it said ${secret}`)).toBe('it said ***');
    expect(met.hide('/usr/bin/curl failed')).toBe('/usr/bin/curl failed');
  });

  test('an error is clean from its first moment', () => {
    const address = 'rtsp://admin:secret-12@cam/s';
    expect(new UsherError('camera-failed', `${address}: refused`).message).toBe('rtsp://cam/…: refused');
    expect(messageOf(new Error(`connect ${address}`))).toBe('connect rtsp://cam/…');
  });
});
