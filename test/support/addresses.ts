import fc from 'fast-check';

/** An address as operators write them, right or wrong, and what must not be seen of it. */
export interface GeneratedAddress {
  readonly address: string;
  readonly secrets: readonly string[];
}

/** Characters that end or move a part of an address, and some that do not. */
const AWKWARD = [
  '/',
  '#',
  '@',
  '?',
  ':',
  ' ',
  '%',
  '&',
  '=',
  '+',
  '\\',
  "'",
  '"',
  ';',
  '_',
  '-',
  '.',
  '!',
  '$',
  'ä',
  '€',
  '😀',
];

/** Eight letters of its own, so that it is found again only where it was really shown; something awkward around or within. */
const secret = (): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.constantFrom(...AWKWARD, 'x', '7'), { maxLength: 4 }),
      fc.stringMatching(/^[qzjkvw0-9]{8,12}$/),
      fc.array(fc.constantFrom(...AWKWARD, 'x', '7'), { maxLength: 4 }),
    )
    .map(([before, core, after]) => `${before.join('')}${core}${after.join('')}`);

const written = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(text, encodeURIComponent(text), encodeURI(text));

const host = fc.constantFrom('camera', '10.0.0.5', 'cam-1.example', '[fe80::1]', '192.168.1.64');
const port = fc.constantFrom('', ':554', ':8080');

export function addresses(): fc.Arbitrary<GeneratedAddress> {
  return fc
    .record({
      scheme: fc.constantFrom('rtsp', 'rtsps', 'http', 'https', 'mqtt', 'mqtts', 'ws', 'wss', 'RTSP'),
      host,
      port,
      user: fc.constantFrom('admin', 'user', 'a.b', ''),
      password: secret(),
      token: secret(),
      path: fc.constantFrom('', '/', '/stream', '/Streaming/Channels/101'),
      way: fc.constantFrom('user part', 'query', 'path', 'both'),
    })
    .chain(({ password, token, ...about }) =>
      fc.record({
        ...Object.fromEntries(Object.entries(about).map(([key, value]) => [key, fc.constant(value)])),
        password: written(password),
        token: written(token),
        raw: fc.constant([password, token] as const),
      } as unknown as Record<string, fc.Arbitrary<string>>),
    )
    .map((parts) => build(parts as unknown as Parts));
}

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
  readonly token: string;
  readonly path: string;
  readonly way: 'user part' | 'query' | 'path' | 'both';
  readonly raw: readonly [password: string, token: string];
}

function build({ scheme, host: name, port: at, user, password, token, path, way, raw }: Parts): GeneratedAddress {
  const [rawPassword, rawToken] = raw;
  switch (way) {
    case 'user part':
      return { address: `${scheme}://${user}:${password}@${name}${at}${path}`, secrets: [rawPassword] };
    case 'query':
      return {
        address: `${scheme}://${name}${at}${path}?user=${user}&password=${token}&channel=1`,
        secrets: [rawToken],
      };
    case 'path':
      return { address: `${scheme}://${name}${at}/user=${user}_password=${token}_channel=1.sdp`, secrets: [rawToken] };
    case 'both':
      return {
        address: `${scheme}://${user}:${password}@${name}${at}${path}?token=${token}`,
        secrets: [rawPassword, rawToken],
      };
  }
}

/** The form in which a text holds the secret, or the core of it; null where it holds none. */
export function holdsSecret(text: string, whole: string): string | null {
  const core = /[qzjkvw0-9]{8,}/.exec(whole)?.[0] ?? whole;
  const forms = [core, Buffer.from(whole).toString('base64'), Buffer.from(`admin:${whole}`).toString('base64')];
  return forms.find((form) => text.includes(form)) ?? null;
}
