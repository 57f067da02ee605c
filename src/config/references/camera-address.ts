import { MASK, maskAddress, parseAddress } from '../../address';
import { UsherError } from '../../errors';

const AMBIGUOUS = 'it is unclear where the password ends and the host begins';
const REMEDY =
  'Give the address without user and password, and set source.username and source.passwordFile (or write / as %2F, # as %23, ? as %3F, @ as %40 in the password).';

/**
 * An address of a camera with its user part encoded as required. A password with `/`, `#`, `?` in it is corrected only
 * if there is one possible reading: the text after the colon is not a port, and there is one @.
 * @throws UsherError `config-invalid`
 */
export function withoutAmbiguity(address: string): string {
  const parts = parseAddress(address);
  if (parts !== null) {
    const { scheme, userInfo, host, rest } = parts;
    return userInfo === null ? address : `${scheme}://${encodedUserInfo(userInfo)}@${host}${rest}`;
  }
  const [, scheme = '', body = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(address) ?? [];
  const [before = '', after, ...more] = body.split('@');
  const [, name, afterColon] = /^([^:/?#\\]*)(?::([^/?#\\]*))?/.exec(before) ?? [];
  // `http://camera/picture@2x`: a host without a port, and a path.
  if (name !== '' && afterColon === undefined && scheme !== '') return address;
  const mended = after === undefined ? null : parseAddress(`${scheme}://${after}`);
  if (mended === null || more.length > 0 || /^\d*$/.test(afterColon ?? ''))
    throw new UsherError('config-invalid', `camera input ${maskAddress(address)}: ${AMBIGUOUS}`, { remedy: REMEDY });
  return `${scheme}://${encodedUserInfo(before)}@${mended.host}${mended.rest}`;
}

/** @param address without user and password */
export function withCredentials(address: string, username: string, password: string): string {
  const encoded = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)/i, (scheme) => `${scheme}${encoded}@`);
}

/** Percent signs of an encoding that is there already stay. */
function encodedUserInfo(userInfo: string): string {
  const colon = userInfo.indexOf(':');
  const encode = (text: string): string =>
    text
      .split(/(%[0-9a-f]{2})/i)
      .map((part, at) => (at % 2 === 1 ? part : encodeURIComponent(part)))
      .join('');
  return colon < 0 ? encode(userInfo) : `${encode(userInfo.slice(0, colon))}:${encode(userInfo.slice(colon + 1))}`;
}

type Plain = Readonly<Record<string, unknown>>;

/** What is wrong with the address and credentials of an ffmpeg source, by key. Takes plain data, valid or not. */
export function addressFaults(source: Plain): { readonly key: string; readonly message: string }[] {
  const { input, username, passwordFile } = source;
  if (source['type'] !== 'ffmpeg' || typeof input !== 'string') return [];
  const isAddress = /^(rtsps?|https?):\/\//i.test(input);
  const fault = (key: string, message: string): { key: string; message: string }[] => [{ key, message }];
  if (username !== undefined || passwordFile !== undefined) {
    if (!isAddress) return fault('passwordFile', 'only an rtsp:// or http(s):// address takes user and password');
    if (passwordFile === undefined) return fault('username', 'needs a passwordFile');
    if (username === undefined) return fault('passwordFile', 'needs a username');
    if (parseAddress(input)?.userInfo !== null)
      return fault('input', 'holds a user or an @ itself; with passwordFile the address has none');
  }
  if (!isAddress) {
    const looksLikeOne = maskAddress(input) === MASK && /^[^/:@]+(:[^@]*)?@[^@]+$/.test(input);
    return looksLikeOne
      ? fault('input', 'looks like an address without its scheme; begin with rtsp:// or http://')
      : [];
  }
  try {
    withoutAmbiguity(input);
    return [];
  } catch {
    return fault('input', `${AMBIGUOUS}. ${REMEDY}`);
  }
}
