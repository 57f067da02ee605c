import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TrustedKey, trustedKey } from '../access/keys/device-key';
import { type LoadedActuatorConfig, trustedKeysOf } from './config/load';
import { nearest } from '../nearest-word';
import { decode } from '../mqtt/topics/decode';
import { Guest } from '../mqtt/link/guest';
import { AuditHeadPayload, StatusPayload } from '../mqtt/topics/payloads';
import { topicOf } from '../mqtt/topics/topic-names';
import { judgeFile } from '../doctor/files';
import { fail, failedBecause, type Finding, ok, warn } from '../doctor/finding';

/** A broker sends retained messages at once; the limit allows for a slow network. */
const LISTEN_MS = 2000;
const ANY_STATUS = 'usher/v1/+/+/status';

/** Checks whether an actuator can obey: its keys, its files, its broker, and its box. Changes nothing. */
export async function diagnoseActuator(loaded: LoadedActuatorConfig): Promise<Finding[]> {
  const keys = keysOf(loaded);
  return [...('findings' in keys ? keys.findings : []), ...files(loaded), ...(await box(loaded, keys.keys))];
}

function keysOf({ config, file }: LoadedActuatorConfig): {
  readonly keys: readonly TrustedKey[];
  readonly findings: Finding[];
} {
  try {
    const keys = trustedKeysOf(config, file, trustedKey);
    return { keys, findings: [ok('keys', `trusts ${keys.map(({ keyId }) => keyId).join(', ')}`)] };
  } catch (error) {
    return { keys: [], findings: [failedBecause('keys', error, 'usher actuator trust')] };
  }
}

function files({ config: { broker }, file }: LoadedActuatorConfig): Finding[] {
  const kept = [
    ['passwordFile', 'secret'],
    ['keyFile', 'secret'],
    ['certFile', 'unchanged'],
    ['caFile', 'unchanged'],
  ] as const;
  return kept.flatMap(([key, keeping]) => {
    const path = broker[key];
    if (path === undefined) return [];
    return judgeFile({ check: `file:${key}`, file: resolve(dirname(file), path), keeping, needed: true });
  });
}

async function box({ config }: LoadedActuatorConfig, keys: readonly TrustedKey[]): Promise<Finding[]> {
  const { site, id } = config.device;
  const base = { site, device: id, discoveryPrefix: 'homeassistant' };
  const [status, head] = [topicOf('status', {}, base), topicOf('auditHead', {}, base)];
  const seen = new Map<string, boolean>();
  let signer: string | null = null;
  let guest: Guest;
  try {
    guest = await Guest.connect({ ...config.broker, named: 'actuator' }, ({ topic, payload }) => {
      const said = decode(StatusPayload, payload);
      if (said.ok) seen.set(topic.split('/').slice(2, 4).join('/'), said.value.state === 'online');
      const signed = topic === head ? decode(AuditHeadPayload, payload) : null;
      if (signed?.ok === true) signer = signed.value.key ?? null;
    });
  } catch (error) {
    return [failedBecause('broker', error, 'See the log of the broker.')];
  }
  try {
    // One subscription each: access rules may allow only one of them.
    for (const filter of [status, head, ANY_STATUS]) await guest.subscribe(filter).catch(() => undefined);
    await delay(LISTEN_MS);
  } finally {
    await guest.close();
  }
  return [ok('broker', 'connected'), boxFinding(`${site}/${id}`, seen), ...signerFinding(signer, keys)];
}

function boxFinding(name: string, seen: ReadonlyMap<string, boolean>): Finding {
  const online = seen.get(name);
  if (online === true) return ok('box', `${name} is online`);
  if (online === false) return warn('box', `${name} is offline, so no unlock arrives`, 'Start the box.');
  const others = [...seen.keys()];
  const near = nearest(name, others);
  const known =
    others.length === 0 ? 'no box is on this broker' : `boxes on this broker: ${others.slice(0, 10).join(', ')}`;
  return fail(
    'box',
    `no box ${name} has published on this broker; ${near === null ? '' : `did you mean "${near}"? `}${known}`,
    'Set device.site and device.id as on the box, or correct broker.url. Access rules must let the actuator read the status topic.',
  );
}

function signerFinding(signer: string | null, keys: readonly TrustedKey[]): Finding[] {
  if (signer === null) return [];
  return keys.some(({ keyId }) => keyId === signer)
    ? [ok('box:key', `the box signs with ${signer}, which is trusted`)]
    : [
        fail(
          'box:key',
          `the box signs with ${signer}, which is not trusted here`,
          'Run usher actuator key --box ITS-CONFIG on the box, then run here the `usher actuator trust` command that it prints.',
        ),
      ];
}
