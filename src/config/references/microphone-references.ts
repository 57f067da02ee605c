import type { ReferenceFault } from './fault';

type Entry = Readonly<Record<string, unknown>>;
const entry = (value: unknown): Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : {};
const entries = (value: unknown): Entry[] => (Array.isArray(value) ? value.map(entry) : []);

/** A box that has nothing to do, and microphones that take one another's name, input or words. Takes plain data, valid or not. */
export function voiceFaults(plain: unknown): ReferenceFault[] {
  const root = entry(plain);
  const microphones = entries(root['microphones']);
  return [
    ...idle(root, microphones),
    ...sharedIds(microphones, entries(root['cameras'])),
    ...sharedInput(microphones, entries(root['readers'])),
    ...microphones.flatMap(({ words }, at) => repeatedWords(words, ['microphones', at])),
    ...repeatedWords(entry(root['wyoming'])['words'], ['wyoming']),
  ];
}

function idle(root: Entry, microphones: readonly Entry[]): ReferenceFault[] {
  const cameras = entries(root['cameras']);
  const doors = entries(root['doors']);
  const faults: ReferenceFault[] = [];
  if (cameras.length > 0 && doors.length === 0)
    faults.push({ path: ['doors'], message: 'a camera needs a door that it watches' });
  const wyoming = root['wyoming'] ?? null;
  if (cameras.length === 0 && microphones.length === 0 && doors.length === 0 && wyoming === null)
    faults.push({ path: ['cameras'], message: 'neither a camera nor a microphone: this box has nothing to do' });
  return faults;
}

/** Both have a health topic of that name. */
function sharedIds(microphones: readonly Entry[], cameras: readonly Entry[]): ReferenceFault[] {
  const taken = cameras.map(({ id }) => id);
  return microphones.flatMap(({ id }, at) =>
    typeof id === 'string' && taken.includes(id)
      ? [{ path: ['microphones', at, 'id'], message: 'a camera has this id' }]
      : [],
  );
}

function sharedInput(microphones: readonly Entry[], readers: readonly Entry[]): ReferenceFault[] {
  const isStdin = ({ source }: Entry): boolean => entry(source)['type'] === 'stdin';
  let taken = readers.some(isStdin);
  return microphones.flatMap((microphone, at) => {
    if (!isStdin(microphone)) return [];
    const faults = taken
      ? [{ path: ['microphones', at, 'source'], message: 'standard input belongs to another microphone or reader' }]
      : [];
    taken = true;
    return faults;
  });
}

function repeatedWords(words: unknown, path: readonly (string | number)[]): ReferenceFault[] {
  const models = entries(words).map(({ model }) => model);
  return models.flatMap((model, at) =>
    typeof model === 'string' && models.indexOf(model) !== at
      ? [{ path: [...path, 'words', at, 'model'], message: 'is named twice' }]
      : [],
  );
}
