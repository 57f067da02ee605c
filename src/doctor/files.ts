import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseAddress } from '../address';
import { messageOf, systemCode } from '../errors';
import { type Examination, fail, type Finding, ok, type Patient, warn } from './finding';

/** `secret`: only the owner may read the file. `unchanged`: others may read it, but only the owner may write it. */
type Keeping = 'secret' | 'unchanged';

export interface KeptFile {
  readonly check: string;
  readonly file: string;
  readonly keeping: Keeping;
  /** Whether absence is a fault. */
  readonly needed: boolean;
}

/** Checks owner and permissions of configuration, key and password files. */
export const examineFiles: Examination = (patient) => [...accountOf(patient), ...keptFiles(patient).flatMap(judgeFile)];

/** The account matters: root may read what the service's account may not. */
function accountOf({ loaded }: Patient): Finding[] {
  try {
    const { uid } = statSync(loaded.dataDir);
    const me = process.getuid?.() ?? uid;
    if (uid === me) return [ok('account', `the data folder belongs to this account (uid ${uid})`)];
    return [
      warn(
        'account',
        `the data folder belongs to uid ${uid}, and this is uid ${me}: usher may see devices and files differently`,
        'Run doctor as the account of the service: sudo -u usher usher doctor --config FILE',
      ),
    ];
  } catch {
    return [];
  }
}

function keptFiles({ loaded }: Patient): KeptFile[] {
  const { config, dataDir, file } = loaded;
  const inConfigFolder = (path: string): string => resolve(dirname(file), path);
  const { broker } = config.mqtt;
  const kept: KeptFile[] = [
    {
      check: 'file:config',
      file,
      keeping: holdsPassword(config) ? 'secret' : 'unchanged',
      needed: true,
    },
    { check: 'file:data', file: dataDir, keeping: 'secret', needed: false },
    { check: 'file:models', file: loaded.modelsDir, keeping: 'unchanged', needed: true },
    ...listed(dataDir).map((name) => ({
      check: `file:data/${name}`,
      file: join(dataDir, name),
      keeping: 'secret' as const,
      needed: false,
    })),
    ...listed(join(dataDir, 'keys')).map((name) => ({
      check: `file:keys/${name}`,
      file: join(dataDir, 'keys', name),
      keeping: 'secret' as const,
      needed: false,
    })),
  ];
  const add = (check: string, path: string | undefined, keeping: Keeping, base = inConfigFolder): void => {
    if (path !== undefined) kept.push({ check, file: base(path), keeping, needed: true });
  };
  if (config.security.boxKey.source !== 'credential') add('file:boxKey', config.security.boxKey.file, 'secret');
  config.security.commandKeys.forEach((path, at) => add(`file:commandKeys[${at}]`, path, 'unchanged'));
  config.readers.forEach(({ id, keyFile }) => add(`file:reader:${id}`, keyFile, 'secret'));
  config.contacts.forEach(({ door, keyFile }) => add(`file:contact:${door}`, keyFile, 'secret'));
  config.cameras.forEach(({ id, source }) => {
    if (source.type === 'ffmpeg') add(`file:camera:${id}`, source.passwordFile, 'secret');
  });
  if (broker.type === 'external') {
    const asIs = (path: string): string => path;
    add('file:passwordFile', broker.passwordFile, 'secret', asIs);
    add('file:keyFile', broker.keyFile, 'secret', asIs);
    add('file:certFile', broker.certFile, 'unchanged', asIs);
    add('file:caFile', broker.caFile, 'unchanged', asIs);
  }
  return kept;
}

/** Whether an address contains a password: `rtsp://user:password@camera/`. */
function holdsPassword({ cameras, mqtt }: Patient['loaded']['config']): boolean {
  const inputs = cameras.map(({ source }) => (source.type === 'ffmpeg' ? source.input : ''));
  const addresses = mqtt.broker.type === 'external' ? [...inputs, mqtt.broker.url] : inputs;
  // An address that cannot be parsed may contain a password.
  return addresses.some((text) => text.includes('://') && parseAddress(text)?.userInfo !== null);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Findings on one file: missing, or with too wide permissions. */
export function judgeFile({ check, file, keeping, needed }: KeptFile): Finding[] {
  let mode: number;
  try {
    mode = statSync(file).mode & 0o777;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && !needed) return [];
    return [fail(check, `${file}: ${systemCode(error) ?? messageOf(error)}`, 'Correct its path or its permissions.')];
  }
  const octal = mode.toString(8).padStart(4, '0');
  const open = keeping === 'secret' ? mode & 0o077 : mode & 0o022;
  // Group-readable is allowed: this is how a service's account reads a file of root (root:usher 0640).
  const byGroup = check === 'file:config' && (open & 0o037) === 0;
  if (open === 0 || byGroup) return [ok(check, `${file} has mode ${octal}`)];
  const who = (open & 0o022) !== 0 ? 'other accounts may change it' : 'other accounts may read it';
  const change =
    keeping === 'secret' ? (statSync(file).isDirectory() ? '700' : check === 'file:config' ? '640' : '600') : 'go-w';
  return [fail(check, `${file} has mode ${octal}: ${who}`, `chmod ${change} ${file}`)];
}
