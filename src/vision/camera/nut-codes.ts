/** Names and bounds of the NUT container, as far as ffmpeg uses them: https://ffmpeg.org/~michael/nut.txt. */

export const FILE_ID = Buffer.from('nut/multimedia container\0', 'latin1');

/** First byte of every packet, and of no frame. */
export const PACKET = 0x4e;
export const PACKETS = {
  main: Buffer.from('4e4d7a561f5f04ad', 'hex'),
  stream: Buffer.from('4e5311405bf2f9db', 'hex'),
  syncpoint: Buffer.from('4e4be4adeeca4569', 'hex'),
  info: Buffer.from('4e49ab68b596ba78', 'hex'),
} as const;

export const FLAG = {
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  sideData: 256,
  headerIndex: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const;

/** Longest packet; those of ffmpeg have fewer than 300 bytes. */
export const MAX_PACKET_BYTES = 4096;
/** A number with more bits than this cannot occur in our streams: it would not be exact. */
export const MAX_NUMBER = 2 ** 46;
export const MAX_TIME_BASES = 16;
/** The empty one among them. */
export const MAX_ELIDED_HEADERS = 128;
/** A frame larger than this has all its bytes; the beginning of a smaller one may be left out where a header names it. */
export const MAX_ELIDED_FRAME_BYTES = 4096;
/** ffmpeg's tag of packed RGB, 8 bit. */
export const RGB24 = 0x52474218;

/** What the byte before a frame stands for: 256 rows of a table that the main header gives. */
export class FrameCodes {
  readonly flags = new Int32Array(256).fill(FLAG.invalid);
  readonly ptsDelta = new Float64Array(256);
  readonly sizeMul = new Float64Array(256);
  readonly sizeLsb = new Float64Array(256);
  readonly reserved = new Float64Array(256);
  readonly header = new Float64Array(256);
}
