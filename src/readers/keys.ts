/** Key codes of the Linux kernel (include/uapi/linux/input-event-codes.h) as a reader types them, on a US layout. */
const ROWS: readonly (readonly [first: number, keys: string])[] = [
  [2, '1234567890-='],
  [16, 'qwertyuiop[]'],
  [30, "asdfghjkl;'`"],
  [43, '\\zxcvbnm,./'],
];
const KEYPAD: Readonly<Record<number, string>> = {
  55: '*',
  71: '7',
  72: '8',
  73: '9',
  74: '-',
  75: '4',
  76: '5',
  77: '6',
  78: '+',
  79: '1',
  80: '2',
  81: '3',
  82: '0',
  83: '.',
  98: '/',
};
const SHIFTED: Readonly<Record<string, string>> = {
  '1': '!',
  '2': '@',
  '3': '#',
  '4': '$',
  '5': '%',
  '6': '^',
  '7': '&',
  '8': '*',
  '9': '(',
  '0': ')',
  '-': '_',
  '=': '+',
  ';': ':',
  ',': '<',
  '.': '>',
  '/': '?',
};

const CHARACTERS = new Map<number, string>([
  ...ROWS.flatMap(([first, keys]) => Array.from(keys).map((key, at): [number, string] => [first + at, key])),
  ...Object.entries(KEYPAD).map(([code, key]): [number, string] => [Number(code), key]),
]);

export const isEnter = (code: number): boolean => code === 28 || code === 96;
export const isShift = (code: number): boolean => code === 42 || code === 54;

/** The character of a key; null for a key without one. Shift has no effect on the keypad. */
export function characterOf(code: number, shift: boolean): string | null {
  const key = CHARACTERS.get(code);
  if (key === undefined) return null;
  if (!shift || code in KEYPAD) return key;
  return SHIFTED[key] ?? key.toUpperCase();
}
