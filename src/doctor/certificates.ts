import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type PeerCertificate } from 'node:tls';
import type { BrokerConfig } from '../config/schema/broker';
import { readCredentials } from '../mqtt/link/credentials';
import { fail, type Finding, ok, warn } from './finding';

const WARN_DAYS = 30;
const DAY_MS = 86_400_000;
const HANDSHAKE_MS = 5000;

type External = Extract<BrokerConfig, { type: 'external' }>;

/**
 * Reports how long the broker's certificate and this box's own are valid, so that an expiry does not stop a door by
 * surprise.
 */
export async function examineCertificates(broker: External): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (broker.certFile !== undefined) {
    try {
      const own = new X509Certificate(readFileSync(broker.certFile));
      findings.push(judged('certificate:own', own.validFrom, own.validTo, broker.certFile));
    } catch {
      findings.push(
        fail(
          'certificate:own',
          `${broker.certFile} contains no certificate`,
          'Name a PEM file in mqtt.broker.certFile.',
        ),
      );
    }
  }
  if (!/^(mqtts|wss):/.test(broker.url)) {
    const plain = /^(mqtt|ws):\/\/(127\.|localhost|\[::1\])/.test(broker.url);
    if (!plain)
      findings.push(
        warn(
          'certificate:broker',
          'the connection is not encrypted: anyone on the network can read and change it',
          'Use mqtts:// and a broker with a certificate.',
        ),
      );
    return findings;
  }
  const peer = await peerCertificate(broker);
  // The connection itself reports why a handshake fails.
  if (peer !== null)
    findings.push(judged('certificate:broker', peer.valid_from, peer.valid_to, 'the broker’s certificate'));
  return findings;
}

async function peerCertificate(broker: External): Promise<PeerCertificate | null> {
  const credentials = await readCredentials(broker).catch(() => ({}));
  const { hostname, port, protocol } = new URL(broker.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    // Reads the certificate only. Nothing is sent over an unverified connection.
    const socket = connect({
      ...credentials,
      host,
      port: Number(port === '' ? (protocol === 'wss:' ? 443 : 8883) : port),
      servername: /^[\d.:]+$/.test(host) ? '' : host,
      rejectUnauthorized: false,
    });
    const end = (certificate: PeerCertificate | null): void => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(HANDSHAKE_MS, () => end(null));
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      end(Object.keys(certificate).length === 0 ? null : certificate);
    });
    socket.once('error', () => end(null));
  });
}

function judged(check: string, from: string, to: string, whose: string): Finding {
  const now = Date.now();
  const days = Math.floor((Date.parse(to) - now) / DAY_MS);
  const until = new Date(to).toISOString().slice(0, 10);
  if (Date.parse(from) > now)
    return fail(check, `${whose} is not valid yet`, 'Set the clock of this machine, or issue the certificate again.');
  if (days < 0)
    return fail(check, `${whose} expired on ${until}`, 'Renew it; usher uses the new one from the next connection on.');
  return days < WARN_DAYS
    ? warn(
        check,
        `${whose} is valid for ${days} more days, until ${until}`,
        'Renew it before that; usher uses the new one from the next connection on.',
      )
    : ok(check, `${whose} is valid until ${until}`);
}
