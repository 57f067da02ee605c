import { nearest, noSuch } from '../../nearest-word';
import type { ReferenceFault } from './fault';

type Entry = Readonly<Record<string, unknown>>;
const entry = (value: unknown): Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const entries = (value: unknown): Entry[] => list(value).map(entry);

const isRequired = ({ security, keyFile }: Entry): boolean =>
  security === undefined ? keyFile !== undefined : security === 'required';

/** Readers and contacts that fit no door, cannot be what they are asked to be, or are too weak for what hangs on them. */
export function readerFaults(plain: unknown): ReferenceFault[] {
  const root = entry(plain);
  const readers = entries(root['readers']);
  const doors = entries(root['doors']);
  return [
    ...sourceFaults(readers, 'readers', 'id'),
    ...sourceFaults(entries(root['contacts']), 'contacts', 'door'),
    ...orphans(readers, doors),
    ...strayContacts(entries(root['contacts']), doors),
    ...nameClashes(root),
    ...weakForCardOnly(root, readers, doors),
  ];
}

function sourceFaults(sources: readonly Entry[], key: 'readers' | 'contacts', name: string): ReferenceFault[] {
  const taken = new Set<unknown>();
  const devices = new Set<unknown>();
  return sources.flatMap((source, at): ReferenceFault[] => {
    const faults: ReferenceFault[] = [];
    if (typeof source[name] === 'string' && taken.has(source[name]))
      faults.push({ path: [key, at, name], message: 'is used twice' });
    taken.add(source[name]);
    const { type, device, chip = 'gpiochip0', line } = entry(source['source']);
    if (isRequired(source) && source['keyFile'] === undefined)
      faults.push({ path: [key, at, 'security'], message: 'required needs a keyFile: usher reader key new FILE' });
    if (isRequired(source) && (type === 'evdev' || type === 'gpio'))
      faults.push({ path: [key, at, 'security'], message: `a source of type ${type} has no way to sign; use none` });
    const port = type === 'stdin' ? 'stdin' : type === 'gpio' ? `${String(chip)} ${String(line)}` : device;
    if (port !== undefined && devices.has(port))
      faults.push({ path: [key, at, 'source'], message: `another of the ${key} has this device` });
    devices.add(port);
    return faults;
  });
}

function orphans(readers: readonly Entry[], doors: readonly Entry[]): ReferenceFault[] {
  const used = doors.flatMap((door) => list(door['readers']));
  return readers.flatMap(({ id }, at) =>
    typeof id === 'string' && !used.includes(id)
      ? [{ path: ['readers', at, 'id'], message: `no door has this reader among its readers${near(id, used)}` }]
      : [],
  );
}

function strayContacts(contacts: readonly Entry[], doors: readonly Entry[]): ReferenceFault[] {
  const known = doors.map((door) => door['id']);
  return contacts.flatMap(({ door }, at) =>
    typeof door === 'string' && !known.includes(door)
      ? [{ path: ['contacts', at, 'door'], message: noSuch('door', door, known) }]
      : [],
  );
}

/** Health topics are flat: a camera by the name of a reader's would write over it. */
function nameClashes(root: Entry): ReferenceFault[] {
  const names = [
    ...entries(root['readers']).map(({ id }) => `reader-${String(id)}`),
    ...entries(root['contacts']).map(({ door }) => `contact-${String(door)}`),
  ];
  return entries(root['cameras']).flatMap(({ id }, at) =>
    typeof id === 'string' && names.includes(id)
      ? [{ path: ['cameras', at, 'id'], message: 'is the health topic of a reader or contact' }]
      : [],
  );
}

/** If a card alone opens, an identifier that any client on the broker can write would open the door. */
function weakForCardOnly(root: Entry, readers: readonly Entry[], doors: readonly Entry[]): ReferenceFault[] {
  const secured = readers.filter(isRequired).map(({ id }) => id);
  return Object.entries(entry(entry(root['policy'])['doors'])).flatMap(([id, rules]) => {
    const door = doors.find((candidate) => candidate['id'] === id);
    const weak = list(door?.['readers']).filter((reader) => !secured.includes(reader));
    return entries(entry(rules)['modes']).flatMap(({ mode }, at): ReferenceFault[] =>
      mode === 'card-only' && weak.length > 0
        ? [
            {
              path: ['policy', 'doors', id, 'modes', at, 'mode'],
              message: `a card alone would open, so every reader needs security: required; without it: ${weak.join(', ')}`,
            },
          ]
        : [],
    );
  });
}

function near(id: string, used: readonly unknown[]): string {
  const found = nearest(
    id,
    used.filter((name) => typeof name === 'string'),
  );
  return found === null ? '' : `; did you mean "${found}"?`;
}
