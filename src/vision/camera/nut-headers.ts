import {
  FLAG,
  FrameCodes,
  MAX_ELIDED_FRAME_BYTES,
  MAX_ELIDED_HEADERS,
  MAX_TIME_BASES,
  PACKET,
  RGB24,
} from './nut-codes';
import { malformed, type NutCursor } from './nut-cursor';

const NOTHING = new Uint8Array(0);

export interface NutMain {
  readonly codes: FrameCodes;
  /** Lengths of a tick, ms. */
  readonly ticksMs: readonly number[];
  /** Beginnings of frames that need not be sent; the first is empty. */
  readonly beginnings: readonly Uint8Array[];
}

/** @throws UsherError `camera-failed` */
export function readMain(from: NutCursor): NutMain {
  const version = from.number();
  if (version < 2 || version > 4) throw malformed(`version ${version} of its container`);
  if (version > 3) from.number();
  if (from.number() !== 1) throw malformed('it has not one stream');
  from.number();
  const bases = from.number();
  if (bases < 1 || bases > MAX_TIME_BASES) throw malformed(`${bases} time bases`);
  const ticksMs = Array.from({ length: bases }, () => {
    const numerator = from.number();
    return (1000 * numerator) / from.number();
  });
  if (!ticksMs.every((tick) => tick > 0 && Number.isFinite(tick))) throw malformed('a time base of zero');
  const codes = readCodes(from);
  return whole(from, { codes, ticksMs, beginnings: readBeginnings(from) });
}

/** Rows come in runs; what a run does not say stays as in the one before. */
function readCodes(from: NutCursor): FrameCodes {
  const codes = new FrameCodes();
  let [ptsDelta, sizeMul, header] = [0, 1, 0];
  for (let row = 0; row < 256;) {
    const flags = from.number();
    const fields = from.number();
    if (fields > 0) ptsDelta = from.signed();
    if (fields > 1) sizeMul = from.number();
    if (fields > 2 && from.number() !== 0) throw malformed('a frame of another stream');
    const sizeLsb = fields > 3 ? from.number() : 0;
    const reserved = fields > 4 ? from.number() : 0;
    let count = fields > 5 ? from.number() : sizeMul - sizeLsb;
    if (fields > 6) from.signed();
    if (fields > 7) header = from.number();
    for (let more = 8; more < Math.min(fields, 64); more++) from.number();
    if (from.short || count < 1 || count > 256 - row) throw malformed('a wrong table of frame codes');
    for (let lsb = sizeLsb; count > 0; row++) {
      if (row === PACKET) continue;
      codes.flags[row] = flags;
      codes.ptsDelta[row] = ptsDelta;
      codes.sizeMul[row] = sizeMul;
      codes.sizeLsb[row] = lsb++;
      codes.reserved[row] = reserved;
      codes.header[row] = header;
      count--;
    }
  }
  codes.flags[PACKET] = FLAG.invalid;
  return codes;
}

function readBeginnings(from: NutCursor): readonly Uint8Array[] {
  const beginnings: Uint8Array[] = [NOTHING];
  if (from.at >= from.end) return beginnings;
  const count = from.number();
  if (count >= MAX_ELIDED_HEADERS) throw malformed(`${count} beginnings of frames`);
  for (let i = 0; i < count; i++) {
    const length = from.number();
    if (length < 1 || length > MAX_ELIDED_FRAME_BYTES) throw malformed('a beginning of no length');
    beginnings.push(from.bytes(length));
  }
  return beginnings;
}

export interface NutStream {
  readonly tickMs: number;
  /** A frame's time may be sent modulo this. */
  readonly ptsRange: number;
}

/** @throws UsherError `camera-failed` for another kind of stream than rgb24 of this size */
export function readStream(from: NutCursor, ticksMs: readonly number[], width: number, height: number): NutStream {
  if (from.number() !== 0 || from.number() !== 0) throw malformed('its stream is no video');
  const tagBytes = from.number();
  const tag = from.bytes(Math.min(tagBytes, 4)).reduce((value, byte) => value * 256 + byte, 0);
  if (tagBytes !== 4 || tag !== RGB24) throw malformed('its frames are not rgb24');
  const tickMs = ticksMs[from.number()];
  const shift = from.number();
  if (tickMs === undefined || shift > 16) throw malformed('a wrong time base');
  from.number();
  from.number();
  from.byte();
  from.skip(from.number());
  const size = [from.number(), from.number()];
  if (size[0] !== width || size[1] !== height)
    throw malformed(`its frames have ${size.join('×')} pixels, not ${width}×${height}`);
  return whole(from, { tickMs, ptsRange: 2 ** shift });
}

function whole<T>(from: NutCursor, read: T): T {
  if (from.short) throw malformed('a header that is cut off');
  return read;
}
