import { MASK, maskAddresses, parseAddress } from './address';

/** Shorter ones are hidden where an address is parsed, but not in free text: they would blot out ordinary words. */
const MIN_CHARS = 4;
/** Up to this length a secret is hidden only as a separate word: `admin`, but not inside `administrator`. */
const WORD_CHARS = 7;
const MAX_FORMS = 2000;

/** Query and path parameters that hold credentials: `?user=…&password=…`, `/user=admin_password=x_channel=1`. */
const NAMES = '(?:pass(?:word|wd)?|pwd?|psw|token|key|api_?key|secret|auth|sig(?:nature)?|code|credentials?)';
const PARAMETER = new RegExp(`(?:^|[/?&;_,])${NAMES}[=:]([^/?&;#_]+)`, 'gi');
const QUERY = new RegExp(`[?&]${NAMES}=([^&#]+)`, 'gi');
const OPTION = /^(?:-u|-P|-p|--?(?:user|pass(?:word)?|pw|token|key|secret))$/;
const OPTION_WITH_VALUE = /^--?(?:user|pass(?:word)?|pw|token|key|secret)=(.+)$/;

/**
 * The secrets that this process has met, in the forms in which other programs write them. `hide` is the last barrier before a
 * text leaves the process: errors of libraries and of ffmpeg repeat what they were given.
 */
export class Secrets {
  private readonly forms = new Set<string>();
  private search: Search | null = null;

  /** A password or token, as it is. */
  learn(secret: string): void {
    for (const form of formsOf(secret)) this.add(form);
  }

  /** User and password of one connection: HTTP sends both as one Base64 text. */
  learnLogin(username: string, password: string): void {
    this.learn(password);
    this.add(Buffer.from(`${username}:${password}`).toString('base64'));
    this.add(Buffer.from(`${username}:${password}`, 'latin1').toString('base64'));
  }

  /** Whatever is secret in an address; nothing in one that holds none. */
  learnAddress(address: string): void {
    const body = /^[a-z][a-z0-9+.-]*:\/\/(.+)$/is.exec(address)?.[1] ?? (address.includes('@') ? address : null);
    if (body === null) return;
    const parts = parseAddress(address);
    // Where the host is unclear, all before the last @ is taken for user and password.
    const userInfo = parts === null ? body.slice(0, Math.max(0, body.lastIndexOf('@'))) : (parts.userInfo ?? '');
    const colon = userInfo.indexOf(':');
    if (colon >= 0) {
      const [username, password] = [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
      this.learn(password);
      this.learnLogin(decoded(username), decoded(password));
    } else this.learn(userInfo);
    const rest = parts?.rest ?? body;
    for (const pattern of [PARAMETER, QUERY])
      for (const [, value = ''] of rest.matchAll(pattern)) {
        this.learn(value);
        this.learn(decoded(value));
      }
  }

  /** Every address within a configuration, and what follows an option such as `--password` in the arguments of a program. */
  learnFrom(value: unknown): void {
    if (typeof value === 'string') {
      if (value.includes('://') || value.includes('@')) this.learnAddress(value);
    } else if (Array.isArray(value)) {
      value.forEach((item: unknown, at) => {
        const before: unknown = value[at - 1];
        if (typeof item !== 'string') return;
        const given =
          OPTION_WITH_VALUE.exec(item)?.[1] ?? (typeof before === 'string' && OPTION.test(before) ? item : '');
        const colon = given.indexOf(':');
        if (given !== '') this.learn(given);
        if (colon >= 0) this.learnLogin(given.slice(0, colon), given.slice(colon + 1));
      });
      value.forEach((item: unknown) => this.learnFrom(item));
    } else if (typeof value === 'object' && value !== null)
      Object.values(value).forEach((item) => this.learnFrom(item));
  }

  /** The text without what was learnt, and without what any address in it may hold. */
  hide(text: string): string {
    const { long, words } = (this.search ??= searchFor(this.forms));
    // Addresses first: with a piece of it replaced, an address may seem to have another host.
    let hidden = maskAddresses(text);
    for (const form of long) hidden = hidden.replaceAll(form, MASK);
    return words === null ? hidden : hidden.replace(words, MASK);
  }

  /** For proofs, which go through one configuration after the other. */
  forget(): void {
    this.forms.clear();
    this.search = null;
  }

  private add(form: string): void {
    if (form.length < MIN_CHARS || form === MASK || this.forms.has(form) || this.forms.size >= MAX_FORMS) return;
    this.forms.add(form);
    this.search = null;
  }
}

/**
 * Those of this process. One for all, on purpose: the error that shows a password is seldom thrown where the password was read.
 */
export const secrets = new Secrets();

function formsOf(secret: string): string[] {
  // Half a surrogate pair has no percent-encoding.
  const encoded = encodeURIComponent(Buffer.from(secret).toString());
  const forms = [
    secret,
    encoded,
    encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    urlForm('ws', secret),
    urlForm('rtsp', secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
  return [...new Set(forms)];
}

/** As Node writes it into an address. */
function urlForm(scheme: string, secret: string): string {
  const url = new URL(`${scheme}://u@h`);
  url.password = secret;
  return url.password;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is looked for. One expression for all of them would be too large for V8 with a few long secrets. */
interface Search {
  readonly long: readonly string[];
  readonly words: RegExp | null;
}

/** The longest first: a secret may be part of another's form. */
function searchFor(forms: ReadonlySet<string>): Search {
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const words = sorted
    .filter((form) => form.length <= WORD_CHARS)
    .map((form) => form.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    .map((literal) => `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`);
  return {
    long: sorted.filter((form) => form.length > WORD_CHARS),
    words: words.length === 0 ? null : new RegExp(words.join('|'), 'gu'),
  };
}
