import { RELEASE_LIMITS } from '../release';
import { refuse } from '../refusal';

/**
 * The plain half of POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"): ordinary files with one-segment names, nothing
 * else. Written without times, owners and order of the disk, so that the same files give the same bytes, and `tar tf` reads it.
 */
export const TAR_BLOCK = 512;

export interface TarEntry {
  readonly name: string;
  readonly bytes: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9]$|^[A-Za-z0-9]$/;

export function isPlainName(name: string): boolean {
  return NAME.test(name) && !name.includes('..');
}

export function tarHeader({ name, bytes }: TarEntry): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  header.write(name, 0, 100, 'ascii');
  header.write('0000644\0', 100, 'ascii');
  header.write('0000000\0', 108, 'ascii');
  header.write('0000000\0', 116, 'ascii');
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124, 'ascii');
  header.write('00000000000\0', 136, 'ascii');
  header.write('0', 156, 'ascii');
  header.write('ustar\u000000', 257, 'ascii');
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return header;
}

/** Files in the order of their names. */
export function packTar(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const blocks: Uint8Array[] = [];
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isPlainName(name)) throw new RangeError(`not a plain file name: ${name}`);
    blocks.push(tarHeader({ name, bytes: bytes.length }), bytes, new Uint8Array(padding(bytes.length)));
  }
  blocks.push(new Uint8Array(2 * TAR_BLOCK));
  return Buffer.concat(blocks);
}

export function padding(bytes: number): number {
  return (TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK;
}

/**
 * One header; null for the block of zeros at the end.
 * @throws ReleaseRefused `archive-malformed`, `archive-link` (anything but an ordinary file), `archive-path`
 */
export function readTarHeader(block: Uint8Array): TarEntry | null {
  const header = Buffer.from(block.buffer, block.byteOffset, block.length);
  if (header.length !== TAR_BLOCK) return refuse('archive-malformed', 'it ends within a header');
  if (header.every((byte) => byte === 0)) return null;
  if (header.toString('latin1', 257, 265) !== 'ustar\u000000')
    return refuse('archive-malformed', 'a header that is not ustar');
  const sum = /^([0-7]{6})\0 $/.exec(header.toString('latin1', 148, 156))?.[1];
  if (sum === undefined || parseInt(sum, 8) !== checksumOf(header))
    return refuse('archive-malformed', 'a wrong header checksum');
  const name = field(header, 0, 100);
  const type = header.toString('latin1', 156, 157);
  // Links, folders, devices, and the extended headers of pax and GNU, which can rename what follows them.
  if (type !== '0') return refuse('archive-link', `${printable(name)} is of type ${printable(type)}`);
  if (field(header, 157, 100) !== '') return refuse('archive-link', `${printable(name)} links somewhere`);
  if (field(header, 345, 155) !== '' || !isPlainName(name)) return refuse('archive-path', printable(name));
  const size = /^([0-7]{11})\0$/.exec(header.toString('latin1', 124, 136))?.[1];
  if (size === undefined) return refuse('archive-malformed', `${name} has no size`);
  const bytes = parseInt(size, 8);
  if (bytes > RELEASE_LIMITS.archiveBytes) return refuse('oversize', `${name} of ${bytes} bytes`);
  // Times, owners and modes, which publishing does not write, would allow two archives of the same files.
  if (!tarHeader({ name, bytes }).equals(header))
    return refuse('archive-malformed', `${name} carries more than a name and a size`);
  return { name, bytes };
}

/** Text up to the first zero, or the whole field. */
function field(header: Buffer, from: number, length: number): string {
  const text = header.toString('latin1', from, from + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** Sum of the bytes, with spaces for those of the checksum itself. */
function checksumOf(header: Uint8Array): number {
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum;
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?'));
}
