import type { ReferenceFault } from './fault';
import { addressFaults } from './camera-address';
import { latencyFaults } from './latency-references';
import { voiceFaults } from './microphone-references';
import { noSuch } from '../../nearest-word';
import { policyFaults } from './policy-references';
import { readerFaults as sourceFaults } from './reader-references';

/** Health topics of their own; a camera or microphone by that name would write over them. */
const ACTUATOR = 'actuator-';
const RESERVED_IDS = ['broker', 'store', 'models', 'clock', 'wyoming', 'stills'];

/**
 * Checks what the schema cannot: names against one another. Takes the plain data, valid or not, so that these faults
 * are reported together with all others.
 */
export function referenceFaults(plain: unknown): ReferenceFault[] {
  const cameras = entries(plain, 'cameras');
  const doors = entries(plain, 'doors');
  const microphones = entries(plain, 'microphones');
  return [
    ...duplicates(cameras, 'cameras'),
    ...duplicates(doors, 'doors'),
    ...duplicates(microphones, 'microphones'),
    ...reserved(cameras, 'cameras'),
    ...reserved(microphones, 'microphones'),
    ...voiceFaults(plain),
    ...unknownCameras(doors, cameras),
    ...latencyFaults(doors, cameras),
    ...sharedDevices(cameras),
    ...badAddresses(cameras),
    ...readerFaults(doors),
    ...policyFaults(plain),
    ...sourceFaults(plain),
  ];
}

type Entry = Readonly<Record<string, unknown>>;

function entries(plain: unknown, key: string): Entry[] {
  const list = isEntry(plain) ? plain[key] : undefined;
  return Array.isArray(list) ? list.map((item: unknown) => (isEntry(item) ? item : {})) : [];
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function duplicates(list: readonly Entry[], key: string): ReferenceFault[] {
  const ids = list.map((entry) => entry['id']);
  return ids.flatMap((id, index) =>
    typeof id === 'string' && ids.indexOf(id) !== index ? [{ path: [key, index, 'id'], message: 'is used twice' }] : [],
  );
}

function reserved(list: readonly Entry[], key: string): ReferenceFault[] {
  return list.flatMap(({ id }, index) =>
    typeof id === 'string' && (RESERVED_IDS.includes(id) || id.startsWith(ACTUATOR))
      ? [
          {
            path: [key, index, 'id'],
            message: `is reserved, as are ${RESERVED_IDS.join(', ')} and ${ACTUATOR}…`,
          },
        ]
      : [],
  );
}

function unknownCameras(doors: readonly Entry[], cameras: readonly Entry[]): ReferenceFault[] {
  const known = cameras.map((camera) => camera['id']);
  return doors.flatMap(({ camera }, index) =>
    typeof camera === 'string' && !known.includes(camera)
      ? [{ path: ['doors', index, 'camera'], message: noSuch('camera', camera, known) }]
      : [],
  );
}

function badAddresses(cameras: readonly Entry[]): ReferenceFault[] {
  return cameras.flatMap(({ source }, index) =>
    isEntry(source)
      ? addressFaults(source).map(({ key, message }) => ({ path: ['cameras', index, 'source', key], message }))
      : [],
  );
}

/** A camera device opens once. */
function sharedDevices(cameras: readonly Entry[]): ReferenceFault[] {
  const devices = cameras.map(({ source }) => {
    if (!isEntry(source)) return undefined;
    const device = source['type'] === 'webcam-stills' ? (source['device'] ?? '/dev/video0') : source['input'];
    return typeof device === 'string' && device.startsWith('/dev/') ? device : undefined;
  });
  return devices.flatMap((device, index) =>
    device !== undefined && devices.indexOf(device) !== index
      ? [{ path: ['cameras', index, 'source'], message: 'another camera has this device' }]
      : [],
  );
}

function readerFaults(doors: readonly Entry[]): ReferenceFault[] {
  const faults: ReferenceFault[] = [];
  const taken = new Set<unknown>();
  doors.forEach((door, index) => {
    const readers: readonly unknown[] = Array.isArray(door['readers']) ? door['readers'] : [];
    if (readers.length === 0 && (door['mode'] ?? 'verify') === 'verify')
      faults.push({ path: ['doors', index, 'readers'], message: 'mode verify needs at least one reader' });
    readers.forEach((reader, at) => {
      if (taken.has(reader))
        faults.push({ path: ['doors', index, 'readers', at], message: 'this reader already belongs to a door' });
      taken.add(reader);
    });
  });
  return faults;
}
