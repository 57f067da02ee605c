import type { Draws } from './random';

/** What an input is built of, so that a mutation keeps enough of it to get past the first check. */
export type Form = 'bytes' | 'text' | 'json';

/** Longest input: beyond every size cap that is looked at, so that the caps are tried too. */
const MAX_BYTES = 512 * 1024;

const NUMBERS = [0, -0, 1, -1, 0.1, 255, 65_536, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, -1e308, 5e-324];
const STRINGS = ['', 'a', '\u0000', '../../etc/passwd', '/', '#', '+', '__proto__', '\ud800', '💳', 'x'.repeat(70_000)];
const TOKENS = [
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '!!js/function ',
  '? ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ': ',
  '\n',
  '\t',
  '"',
];
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

/** The next input: a seed as it is, changed a little or much, two of them joined, or noise. */
export function mutate(seeds: readonly Buffer[], form: Form, draws: Draws): Buffer {
  if (draws.chance(20)) return draws.bytes(draws.below(400));
  let input: Buffer = Buffer.from(draws.of(seeds));
  if (draws.chance(40)) return input;
  if (form === 'json' && !draws.chance(4)) input = Buffer.from(changedJson(input, draws));
  if (form === 'text' && !draws.chance(4)) input = Buffer.from(changedText(input.toString('utf8'), draws));
  if (form === 'bytes' || draws.chance(4)) {
    for (let times = 1 + draws.below(6); times > 0; times--) input = changedBytes(input, seeds, draws);
  }
  return input.subarray(0, MAX_BYTES);
}

function changedBytes(input: Buffer, seeds: readonly Buffer[], draws: Draws): Buffer {
  const at = draws.below(input.length + 1);
  const to = Math.min(input.length, at + 1 + draws.below(64));
  switch (draws.below(8)) {
    case 0:
      return withByte(input, at, (byte) => byte ^ (1 << draws.below(8)));
    case 1:
      return withByte(input, at, () => draws.of(INTERESTING));
    case 2:
      return withNumber(input, at, draws);
    case 3:
      return input.subarray(0, at);
    case 4:
      return Buffer.concat([input.subarray(0, at), input.subarray(to)]);
    case 5:
      return Buffer.concat([input.subarray(0, at), draws.bytes(draws.below(32)), input.subarray(at)]);
    case 6:
      return Buffer.concat([
        input.subarray(0, to),
        ...Array<Buffer>(1 + draws.below(40)).fill(input.subarray(at, to)),
        input.subarray(to),
      ]);
    default: {
      const other = draws.of(seeds);
      return Buffer.concat([input.subarray(0, at), other.subarray(draws.below(other.length + 1))]);
    }
  }
}

function withByte(input: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (at < input.length) input[at] = change(input[at] as number) & 0xff;
  return input;
}

/** Lengths and offsets are 2 or 4 bytes, of either order. */
function withNumber(input: Buffer, at: number, draws: Draws): Buffer {
  const value = draws.of([
    0,
    1,
    input.length,
    input.length - 1,
    0x7fff,
    0xffff,
    0x7fffffff,
    0xffffffff,
    draws.below(2 ** 31),
  ]);
  if (at + 4 > input.length) return input;
  switch (draws.below(4)) {
    case 0:
      input.writeUInt16LE(value & 0xffff, at);
      break;
    case 1:
      input.writeUInt16BE(value & 0xffff, at);
      break;
    case 2:
      input.writeUInt32LE(value >>> 0, at);
      break;
    default:
      input.writeUInt32BE(value >>> 0, at);
  }
  return input;
}

function changedText(text: string, draws: Draws): string {
  const lines = text.split('\n');
  for (let times = 1 + draws.below(4); times > 0; times--) {
    const at = draws.below(lines.length);
    const line = lines[at] as string;
    switch (draws.below(6)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, draws.of(lines));
        break;
      case 2:
        lines[at] = `${line.slice(0, lastSeparator(line))} ${draws.chance(2) ? draws.of(NUMBERS) : draws.of(STRINGS)}`;
        break;
      case 3: {
        const cut = draws.below(line.length + 1);
        lines[at] =
          line.slice(0, cut) + draws.of(TOKENS).repeat(1 + draws.below(draws.chance(10) ? 2000 : 3)) + line.slice(cut);
        break;
      }
      case 4:
        lines[at] = ' '.repeat(draws.below(8)) + line.trimStart();
        break;
      default:
        lines.splice(at, 0, ...Array<string>(draws.below(line.length < 1000 ? 200 : 3)).fill(line));
    }
    if (lines.length === 0) lines.push('');
  }
  return lines.join('\n');
}

/** Where the value of a line begins, whatever the format. */
function lastSeparator(line: string): number {
  return Math.max(line.lastIndexOf(':'), line.lastIndexOf(' ')) + 1;
}

function changedJson(input: Buffer, draws: Draws): string {
  let value: unknown;
  try {
    value = JSON.parse(input.toString('utf8'));
  } catch {
    return changedText(input.toString('utf8'), draws);
  }
  for (let times = 1 + draws.below(3); times > 0; times--) value = changedValue(value, draws);
  const text = JSON.stringify(value);
  // A duplicate or special key cannot be put into an object, only into its text.
  return draws.chance(12)
    ? text.replace('{', `{"${draws.of(['__proto__', 'constructor', 'v'])}":${draws.of(['{}', '1', 'null'])},`)
    : text;
}

function changedValue(value: unknown, draws: Draws): unknown {
  const inner = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (inner.length === 0 || draws.chance(4)) return strange(value, draws);
  const key = draws.of(inner);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  switch (draws.below(5)) {
    case 0:
      if (Array.isArray(copy)) (copy as unknown[]).splice(Number(key), 1);
      else Reflect.deleteProperty(copy, key);
      break;
    case 1:
      if (Array.isArray(copy)) (copy as unknown[]).push(...Array<unknown>(draws.below(300)).fill(copy[key as never]));
      else copy[draws.of(STRINGS)] = copy[key];
      break;
    case 2:
      copy[key] = copy[draws.of(inner)];
      break;
    default:
      copy[key] = changedValue(copy[key], draws);
  }
  return copy;
}

function strange(value: unknown, draws: Draws): unknown {
  switch (draws.below(8)) {
    case 0:
      return draws.of(NUMBERS);
    case 1:
      return draws.of(STRINGS);
    case 2:
      return draws.of([null, true, false, {}, []]);
    case 3: {
      let nested: unknown = value;
      for (let depth = draws.below(draws.chance(10) ? 500 : 20); depth > 0; depth--)
        nested = draws.chance(2) ? [nested] : { a: nested };
      return nested;
    }
    case 4:
      return typeof value === 'number' ? value + draws.of([-1, 1, 0.5]) : [value, value];
    default:
      if (typeof value !== 'string' || value.length === 0) return draws.of(NUMBERS);
      return value.slice(0, draws.below(value.length)) + draws.of(STRINGS) + value.slice(draws.below(value.length));
  }
}
