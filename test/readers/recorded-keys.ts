/** Byte streams as /dev/input/eventX of a 64-bit kernel gives them: made here, since no keyboard is at the test machine. */

const CODES: Readonly<Record<string, number>> = Object.fromEntries(
  [
    [2, '1234567890-='],
    [16, 'qwertyuiop'],
    [30, 'asdfghjkl;'],
    [44, 'zxcvbnm,./'],
  ].flatMap(([first, keys]) => Array.from(String(keys)).map((key, at) => [key, Number(first) + at])),
);

interface Stamp {
  /** Epoch ms. */
  readonly at?: number;
  readonly value?: number;
  readonly type?: number;
}

function event(code: number, { at = 0, value = 1, type = 1 }: Stamp): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeBigInt64LE(BigInt(Math.floor(at / 1000)), 0);
  bytes.writeBigInt64LE(BigInt(Math.round((at % 1000) * 1000)), 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}

/** Key events of these codes, one after the other, each with the report that the kernel ends it with. */
export function press(codes: readonly number[], stamp: Stamp = {}): Uint8Array {
  return new Uint8Array(
    Buffer.concat(codes.flatMap((code) => [event(code, stamp), event(0, { ...stamp, type: 0, value: 0 })])),
  );
}

/** A text as a reader types it: scan codes, presses and releases, Shift around capitals and colons, Enter for a newline. */
export function typing(text: string, stamp: Stamp = {}): Uint8Array {
  const down = (code: number): Uint8Array[] => [
    event(4, { ...stamp, type: 4, value: 458_756 }),
    press([code], { ...stamp, value: 1 }),
  ];
  const up = (code: number): Uint8Array[] => [press([code], { ...stamp, value: 0 })];
  return new Uint8Array(
    Buffer.concat(
      Array.from(text).flatMap((character) => {
        if (character === '\n') return [...down(28), ...up(28)];
        const shifted = character === ':' ? ';' : character.toLowerCase();
        const code = CODES[shifted];
        if (code === undefined) throw new Error(`no key for ${character}`);
        const key = [...down(code), ...up(code)];
        return shifted === character ? key : [...down(42), ...key, ...up(42)];
      }),
    ),
  );
}
