import { execFile } from 'node:child_process';
import { readPasswordFile } from '../../config/load/password-file';
import { type CameraSourceConfig } from '../../config/schema/cameras';
import { withCredentials, withoutAmbiguity } from '../../config/references/camera-address';
import { secrets } from '../../secrets';

type FfmpegConfig = Extract<CameraSourceConfig, { type: 'ffmpeg' }>;

/**
 * How ffmpeg gets an address: as a list of one entry on its standard input (the concat demuxer). `ps` shows its
 * arguments to every account of the machine, and addresses of cameras contain passwords in places that cannot be
 * recognised.
 */
export const ADDRESS_LIST = ['-f', 'concat', '-safe', '0', '-i', 'pipe:0'] as const;

/** What the list itself needs, in addition to what the stream does. */
export const LIST_PROTOCOL = 'pipe';
export const LIST_FORMAT = 'concat';

/**
 * The list. Read again for every start, so that a changed password is picked up.
 * @throws UsherError `config-invalid` for an address that can be read in two ways; as `readPasswordFile`
 */
export async function addressList(source: FfmpegConfig): Promise<string> {
  const { input } = source;
  const address = await addressOf(source);
  // Within single quotes the list knows no escape: a quote ends them, stands by itself, and begins them again.
  const entry = `ffconcat version 1.0\nfile '${address.replaceAll("'", `'\\''`)}'\n`;
  return isRtsp(input) ? `${entry}option rtsp_transport ${source.rtspTransport}\n` : entry;
}

function isRtsp(input: string): boolean {
  return /^rtsps?:/i.test(input);
}

/**
 * Null if the list works. Before ffmpeg 5 a list could not contain `rtsp_transport`, and without it ffmpeg tries UDP
 * for ten seconds; there the address is among the arguments. `usher doctor` reports it.
 */
export async function directAddress(source: FfmpegConfig, version: Promise<number>): Promise<readonly string[] | null> {
  if (!isRtsp(source.input) || (await version) >= FIRST_WITH_OPTIONS) return null;
  return ['-rtsp_transport', source.rtspTransport, '-i', await addressOf(source)];
}

export const FIRST_WITH_OPTIONS = 5;

/** Major version of the installed ffmpeg. One built from a checkout names none, and counts as new; so does one that is missing. */
export function ffmpegVersion(): Promise<number> {
  return new Promise((resolve) => {
    execFile('ffmpeg', ['-version'], { timeout: 5000 }, (_, stdout) => {
      const [, major] = /^ffmpeg version n?(\d+)\./.exec(stdout) ?? [];
      resolve(major === undefined ? Infinity : Number(major));
    });
  });
}

async function addressOf({ input, username, passwordFile }: FfmpegConfig): Promise<string> {
  let address = withoutAmbiguity(input);
  if (username !== undefined && passwordFile !== undefined) {
    const password = await readPasswordFile(passwordFile, 'source.passwordFile');
    secrets.learnLogin(username, password);
    address = withCredentials(address, username, password);
  }
  secrets.learnAddress(address);
  return address;
}
