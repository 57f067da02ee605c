import { readFile, stat } from 'node:fs/promises';
import { isSeq, parseDocument } from 'yaml';
import { openDeviceKey, trustedKey } from '../../access/keys/device-key';
import { loadConfig } from '../../config/load/load';
import { parseActuatorConfig } from '../../actuator/config/load';
import { noSuch } from '../../nearest-word';
import { UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';

export interface TrustOptions {
  readonly config: string;
  readonly box?: string;
  readonly fromBox?: string;
  readonly key?: string;
  readonly site?: string;
  readonly device?: string;
  readonly door?: string;
}

/** What is known of the box. All of it is known if the box's configuration is on this machine. */
interface Box {
  readonly key: string;
  readonly site?: string | undefined;
  readonly device?: string | undefined;
  readonly doors?: readonly string[];
}

/** @returns the command that a person runs on the actuator's machine */
export function trustCommand({ site, id }: { readonly site: string; readonly id: string }, key: string): string {
  return `usher actuator trust --config ACTUATOR.yaml --site ${site} --device ${id} --key ${key}`;
}

/**
 * Makes an actuator obey a box: writes the box's key, site and device into the actuator's configuration and removes
 * example keys that anyone could sign with. Comments stay.
 */
export async function trustBox(options: TrustOptions): Promise<void> {
  const { config: file } = options;
  const box = await boxOf(options);
  const { keyId } = trustedKey(box.key);
  const before = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsherError('file-unreadable', `${file} cannot be read`, {
      remedy: 'usher config new --actuator FILE makes a configuration.',
      cause,
    });
  });
  const document = parseDocument(before);
  const present = document.get('trustedKeys');
  const known = isSeq(present) ? present.items.map((item) => String(item)) : [];
  const sound = known.filter(isSound);
  if (sound.length < known.length || !sound.includes(box.key))
    document.set('trustedKeys', document.createNode([...new Set([...sound, box.key])]));
  if (box.site !== undefined) document.setIn(['device', 'site'], box.site);
  if (box.device !== undefined) document.setIn(['device', 'id'], box.device);
  if (options.door !== undefined) document.set('door', options.door);
  const after = document.toString({ lineWidth: 0 });
  const { device, door } = parseActuatorConfig(after, file);
  if (box.doors !== undefined && !box.doors.includes(door))
    throw new UsherError('usage', `${options.box ?? ''}: ${noSuch('door', door, box.doors)}`, {
      remedy: 'Name the door that this actuator opens with --door ID.',
    });
  if (after !== before) writeDurably(file, after, (await stat(file)).mode & 0o777);
  process.stdout.write(
    `${file} trusts ${keyId}: it now obeys ${device.site}/${device.id} at door ${door}. Restart the actuator.\n`,
  );
}

async function boxOf({ box, fromBox, key, site, device }: TrustOptions): Promise<Box> {
  const given = [box, fromBox, key].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsherError('usage', 'name the box by one of --box, --from-box or --key');
  if (box === undefined) return { key: key ?? openDeviceKey(fromBox ?? '').publicKeyText, site, device };
  const { config, dataDir } = await loadConfig(box);
  return {
    key: openDeviceKey(dataDir).publicKeyText,
    site: config.device.site,
    device: config.device.id,
    doors: config.doors.map(({ id }) => id),
  };
}

function isSound(text: string): boolean {
  try {
    trustedKey(text);
    return true;
  } catch {
    return false;
  }
}
