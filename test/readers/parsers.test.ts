import fc from 'fast-check';
import { heldBytes } from '../../src/lab/bench/match/match';
import { EvdevDecoder, evtestKey } from '../../src/readers/evdev-events';
import { characterOf } from '../../src/readers/keys';
import { LineSplitter, parseLine } from '../../src/readers/lines';
import { IDENTIFIER } from '../../src/identifier';
import { type LineFault, type LocalSwipe } from '../../src/readers/source';
import { type KeyEvent, KeystrokeDecoder } from '../../src/readers/typist';
import { press, typing } from './recorded-keys';

const MAC = 'a1'.repeat(32);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const isSwipe = (said: LocalSwipe | LineFault): said is LocalSwipe => 'identifier' in said;

/** In chunks of the given lengths, then the rest. */
function pieces(whole: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    parts.push(whole.subarray(at, at + length));
    at += length;
  }
  return [...parts, whole.subarray(at)];
}

function linesOf(chunks: readonly Uint8Array[]): (string | null)[] {
  const lines: (string | null)[] = [];
  const splitter = new LineSplitter();
  for (const chunk of chunks) splitter.push(chunk, (line) => lines.push(line));
  return lines;
}

describe('lines of a serial reader', () => {
  test.each<[what: string, sent: string, lines: (string | null)[]]>([
    ['LF', 'a\nb\n', ['a', 'b']],
    ['CR LF', 'a\r\nb\r\n', ['a', 'b']],
    ['CR alone', 'a\rb\r', ['a', 'b']],
    ['STX and ETX, as an RDM6300 frames them', '\x0204A211B07712\x03', ['04A211B07712']],
    ['STX, CR, LF and ETX, as an ID-12 does', '\x0204A211B07712\r\n\x03', ['04A211B07712']],
    ['empty lines and blanks', '\n \n\r\n a \n', ['a']],
    ['a line that is not over', 'a\nb', ['a']],
    ['a line that is too long, then a good one', `${'x'.repeat(300)}\nb\n`, [null, 'b']],
  ])('%s', (_, sent, lines) => expect(linesOf([bytes(sent)])).toEqual(lines));

  test.each<[line: string, said: LocalSwipe | { fault: RegExp }]>([
    ['4711', { identifier: '4711' }],
    ['04:A2:11', { identifier: '04:A2:11' }],
    [`SWIPE 4711 17 ${MAC}`, { identifier: '4711', counter: 17, mac: MAC }],
    [`SWIPE  4711  17  ${MAC}`, { identifier: '4711', counter: 17, mac: MAC }],
    ['SWIPE', { fault: /SWIPE/ }],
    ['SWIPE 4711', { fault: /SWIPE/ }],
    [`SWIPE 4711 17 ${MAC} more`, { fault: /SWIPE/ }],
    [`SWIPE 4711 -1 ${MAC}`, { fault: /SWIPE/ }],
    [`SWIPE 4711 1e3 ${MAC}`, { fault: /SWIPE/ }],
    [`SWIPE 4711 9999999999999999 ${MAC}`, { fault: /2\^53/ }],
    [`SWIPE 4711 17 ${MAC.toUpperCase()}`, { fault: /SWIPE/ }],
    [`SWIPE $(reboot) 17 ${MAC}`, { fault: /SWIPE/ }],
    ['47 11', { fault: /not an identifier/ }],
    ['-4711', { fault: /not an identifier/ }],
    ['a'.repeat(65), { fault: /not an identifier/ }],
    ['naïve', { fault: /not an identifier/ }],
  ])('%s', (line, expected) => {
    const said = parseLine(line);
    if ('fault' in expected) expect('fault' in said && said.fault).toMatch(expected.fault);
    else expect(said).toEqual(expected);
  });

  test('whatever the bytes and however cut: the same lines, each short, each an identifier or a fault that repeats nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.array(fc.nat(300), { maxLength: 20 }), (sent, cuts) => {
        const lines = linesOf(pieces(sent, cuts));
        expect(lines).toEqual(linesOf([sent]));
        for (const line of lines) {
          expect(line === null || line.length <= 256).toBe(true);
          const said = parseLine(line);
          if (isSwipe(said)) expect(said.identifier).toMatch(IDENTIFIER);
          else expect(said.fault.length).toBeLessThan(80);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('twenty megabytes without an end leave nothing behind', async () => {
    const splitter = new LineSplitter();
    const chunk = new Uint8Array(1 << 20).fill(0x41);
    const before = await heldBytes();
    for (let megabyte = 0; megabyte < 20; megabyte++)
      splitter.push(chunk, () => {
        throw new Error('there was no line');
      });
    expect((await heldBytes()) - before).toBeLessThan(4 << 20);
    const lines: (string | null)[] = [];
    splitter.push(bytes('\n4711\n'), (line) => lines.push(line));
    expect(lines).toEqual([null, '4711']);
  });
});

function heard(chunks: readonly Uint8Array[], keyGapMs = 300): (LocalSwipe | LineFault)[] {
  const decoder = new EvdevDecoder();
  const typist = new KeystrokeDecoder(keyGapMs);
  const said: (LocalSwipe | LineFault)[] = [];
  for (const chunk of chunks)
    decoder.push(chunk, (key) => {
      const swipe = typist.key(key);
      if (swipe !== null) said.push(swipe);
    });
  return said;
}

describe('keys of a reader that types', () => {
  test.each<[what: string, recorded: Uint8Array, said: unknown[]]>([
    ['digits', typing('0012345678\n'), [{ identifier: '0012345678' }]],
    ['letters, small and large', typing('aB9f\n'), [{ identifier: 'aB9f' }]],
    ['the keypad, its Enter too', press([79, 80, 81, 96]), [{ identifier: '123' }]],
    ['colons', typing('04:A2\n'), [{ identifier: '04:A2' }]],
    ['two cards', typing('1\n22\n'), [{ identifier: '1' }, { identifier: '22' }]],
    ['Enter alone', typing('\n\n'), []],
    ['no Enter', typing('4711'), []],
    ['what is no identifier', typing('=;\n'), [{ fault: '2 keys that are not an identifier' }]],
    ['too many keys', typing(`${'1'.repeat(65)}\n2\n`), [{ fault: 'more than 64 keys' }, { identifier: '2' }]],
    ['arrows and function keys', press([103, 2, 59, 3, 28]), [{ identifier: '12' }]],
  ])('%s', (_, recorded, said) => expect(heard([recorded])).toEqual(said));

  test('a pause discards what was typed before it, a clock set back too', () => {
    const keys = (text: string, at: number): Uint8Array => typing(text, { at });
    expect(heard([keys('47', 0), keys('11\n', 1000)])).toEqual([{ identifier: '11' }]);
    expect(heard([keys('47', 0), keys('11\n', 200)])).toEqual([{ identifier: '4711' }]);
    expect(heard([keys('47', 10_000), keys('11\n', 9_990)])).toEqual([{ identifier: '11' }]);
  });

  test('a key that is held counts once', () => {
    expect(heard([press([2], { value: 1 }), press([2, 2, 2], { value: 2 }), press([28], { value: 1 })])).toEqual([
      { identifier: '1' },
    ]);
  });

  test('whatever the bytes and however cut: the same, and nothing but identifiers', () => {
    const event = fc
      .record({
        type: fc.constantFrom(0, 1, 1, 1, 4),
        code: fc.oneof(fc.nat(100), fc.nat(65535)),
        value: fc.constantFrom(0, 1, 1, 2, -1),
      })
      .map(({ type, code, value }) => press([code], { value, type }));
    const stream = fc.oneof(
      fc.uint8Array({ maxLength: 480 }),
      fc.array(event, { maxLength: 80 }).map((events) => new Uint8Array(Buffer.concat(events))),
    );
    fc.assert(
      fc.property(stream, fc.array(fc.nat(60), { maxLength: 20 }), (sent, cuts) => {
        const said = heard(pieces(sent, cuts));
        expect(said).toEqual(heard([sent]));
        for (const swipe of said) if (isSwipe(swipe)) expect(swipe.identifier).toMatch(IDENTIFIER);
      }),
      { numRuns: 2000 },
    );
  });

  test('every code of the kernel types one character or none', () => {
    for (let code = 0; code < 0x300; code++)
      for (const shift of [false, true]) {
        const character = characterOf(code, shift);
        expect(character === null || character.length === 1).toBe(true);
      }
  });
});

describe('what evtest prints', () => {
  test.each<[line: string, key: KeyEvent | null]>([
    [
      'Event: time 1586524983.094859, type 1 (EV_KEY), code 30 (KEY_A), value 1',
      { code: 30, value: 1, at: 1_586_524_983_094.859 },
    ],
    ['Event: time 1586524983.094859, type 4 (EV_MSC), code 4 (MSC_SCAN), value 70072', null],
    ['Event: time 1586524983.094859, -------------- SYN_REPORT ------------', null],
    ['    Event code 30 (KEY_A)', null],
    ['Event: time 1586524983.094859, type 1 (EV_KEY), code 30 (KEY_A), value 9', null],
  ])('%s', (line, key) => expect(evtestKey(line)).toEqual(key));

  test('anything else is no key', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (line) => expect(evtestKey(line)).toBeNull()));
  });
});
