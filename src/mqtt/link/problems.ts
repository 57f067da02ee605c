import { maskAddress } from '../../address';
import { UsherError, messageOf, systemCode } from '../../errors';

/**
 * What keeps the device from its broker, for the person who must act. Codes are those of MQTT 3.1.1 CONNACK (1 to 5), MQTT 5
 * reason codes (from 128), and of Node's sockets and TLS.
 */
export function explainBrokerProblem(cause: unknown, url: string, named: BrokerKeys = 'device'): UsherError {
  if (cause instanceof UsherError) return cause;
  const where = maskAddress(url);
  const [what, remedy] = describe(codeOf(cause), cause);
  return new UsherError('broker-failed', `MQTT broker ${where}: ${what}`, { remedy: inTermsOf(named, remedy), cause });
}

/** Where the operator gave address and credentials: in a device's configuration, in an actuator's, or as options of a command. */
export type BrokerKeys = 'device' | 'actuator' | 'options';

const OPTIONS: Readonly<Record<string, string>> = {
  url: '--broker',
  username: '--username',
  passwordFile: '--password-file',
  caFile: '--ca',
  certFile: '--cert',
  keyFile: '--cert-key',
};

/** Remedies name keys of a device's configuration; a user of command line options has no such file. */
export function inTermsOf(named: BrokerKeys, remedy: string): string {
  return remedy.replace(/mqtt\.broker\.(\w+)/g, (_, key: string) => brokerKey(key, named));
}

export function brokerKey(key: string, named: BrokerKeys): string {
  if (named === 'device') return `mqtt.broker.${key}`;
  return named === 'actuator' ? `broker.${key}` : (OPTIONS[key] ?? `mqtt.broker.${key}`);
}

const CREDENTIALS: Explanation = [
  'it refuses user name or password',
  'check mqtt.broker.username and the content of mqtt.broker.passwordFile',
];
// mosquitto 2 answers a wrong password so; others, a client that its rules do not let in.
const NOT_AUTHORISED: Explanation = [
  'it does not authorise this device: the user name or password is wrong, or its rules do not let this client in',
  'check mqtt.broker.username and the content of mqtt.broker.passwordFile, then its access rules for this user or client certificate',
];
const NO_V5: Explanation = [
  'it does not speak this protocol version',
  'set mqtt.broker.protocolVersion to 4 (MQTT 3.1.1)',
];
const UNTRUSTED: Explanation = [
  'its certificate is not signed by a trusted authority',
  'set mqtt.broker.caFile to the PEM file of the authority that signed it',
];

type Explanation = readonly [what: string, remedy: string];

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  '1': NO_V5,
  '132': NO_V5,
  '2': ['it refuses the client identifier', 'check its rules for client identifiers'],
  '133': ['it refuses the client identifier', 'check its rules for client identifiers'],
  '3': ['it is not available', 'see its log'],
  '136': ['it is not available', 'see its log'],
  '137': ['it is busy', 'see its log; usher tries again by itself'],
  '4': CREDENTIALS,
  '134': CREDENTIALS,
  '5': NOT_AUTHORISED,
  '135': NOT_AUTHORISED,
  '138': ['it has banned this device', 'check its rules'],
  '139': ['it is shutting down', 'start it again; usher tries again by itself'],
  '142': ['another client took over the session of this device', 'give each device its own device.site and device.id'],
  ECONNREFUSED: ['nothing listens there', 'start the broker, or correct mqtt.broker.url'],
  ECONNRESET: ['it cut the connection', 'check that port and protocol (mqtt or mqtts) belong together, and its log'],
  EPIPE: ['it cut the connection', 'check that port and protocol (mqtt or mqtts) belong together, and its log'],
  ENOTFOUND: ['no such host', 'correct the host in mqtt.broker.url, or the name server of this machine'],
  EAI_AGAIN: ['the name server does not answer', 'check the network of this machine'],
  ETIMEDOUT: ['no answer', 'check network and firewall between this machine and the broker'],
  EHOSTUNREACH: ['no route to it', 'check the network of this machine'],
  ENETUNREACH: ['no route to it', 'check the network of this machine'],
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it, or correct the clock of this machine'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'correct the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another host name',
    'use in mqtt.broker.url the name that the certificate carries',
  ],
};

function describe(code: string, cause: unknown): Explanation {
  const known = EXPLANATIONS[code];
  if (known !== undefined) return known;
  const message = cause === null || cause === undefined ? '' : messageOf(cause);
  if (/^connack timeout$/i.test(message))
    return ['no answer to CONNECT', 'check that an MQTT broker, and nothing else, listens there'];
  if (/keepalive timeout/i.test(message))
    return ['it stopped answering', 'check network and broker; usher tries again by itself'];
  if (code === 'ESUBACK')
    return [message, 'allow this user to read usher/v1/{site}/{device}/# in the access rules of the broker'];
  if (message.includes('larger than this device takes in'))
    return [
      message,
      'clear the oversized retained message from a topic of this device, and limit the packet size in the broker',
    ];
  if (/alert|^ERR_SSL_|SSL routines/.test(`${message} ${code}`))
    return [
      'it ended the TLS handshake',
      'check mqtt.broker.certFile and mqtt.broker.keyFile: it may ask for a client certificate, or not trust this one',
    ];
  if (message === '') return ['it closed the connection', 'see its log'];
  return [message, 'see its log'];
}

function codeOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'number')
    return String(cause.code);
  return systemCode(cause) ?? '';
}
