import { dirname, isAbsolute, join, relative, resolve } from 'node:path';

/** Where things are for a new configuration. All absolute. */
export interface Places {
  /** The configuration that is written. */
  readonly file: string;
  /** The program's folder, with the samples and, in a checkout, the models. */
  readonly program: string;
  readonly models: string;
  /** Data folder of an installed usher; null in a checkout. */
  readonly installedData: string | null;
}

/** A path as it is best written into the file: short where both move together, else whole. */
export function pathFrom({ file, program }: Places, target: string): string {
  const folder = dirname(file);
  const together = !relative(program, folder).startsWith('..') || !relative(folder, target).startsWith('..');
  const path = relative(folder, target);
  if (!together || isAbsolute(path)) return target;
  return path.startsWith('.') ? path : `./${path}`;
}

/**
 * The folder for members and state: that of the service if usher is installed, `.usher` of a checkout for a
 * configuration within it, else next to the configuration, so that it is easy to find.
 */
export function dataDirFor(places: Places): string {
  const { file, program, installedData } = places;
  if (installedData !== null) return installedData;
  return relative(program, dirname(file)).startsWith('..')
    ? join(dirname(file), 'usher-data')
    : join(program, '.usher');
}

/** The commented sample, with paths that are right where the file is put. */
export function newConfigText(sample: string, places: Places): string {
  const dataDir = dataDirFor(places);
  return replaced(sample, [
    [/^# yaml-language-server: .*$/m, schemaLine(places, 'schema.json')],
    [/^dataDir: \S+/m, `dataDir: ${quoted(pathFrom(places, dataDir))}`],
    [/^ {2}dir: \S+/m, `  dir: ${quoted(pathFrom(places, places.models))}`],
  ]);
}

export function newActuatorText(sample: string, places: Places): string {
  const stateDir = places.installedData === null ? './usher-actuator-data' : '/var/lib/usher-actuator';
  return replaced(sample, [
    [/^# yaml-language-server: .*$/m, schemaLine(places, 'actuator.schema.json')],
    [/^stateDir: \S+ # default; /m, `stateDir: ${stateDir} # `],
  ]);
}

function schemaLine(places: Places, name: string): string {
  const schema = pathFrom(places, resolve(places.program, 'device-config', name));
  return `# yaml-language-server: $schema=${schema}`;
}

/** @throws RangeError where the sample has changed and a line is not in it any more */
function replaced(sample: string, changes: readonly (readonly [line: RegExp, text: string])[]): string {
  return changes.reduce((text, [line, put]) => {
    if (!line.test(text)) throw new RangeError(`the sample has no line like ${line.source}`);
    return text.replace(line, () => put);
  }, sample);
}

function quoted(path: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(path) ? path : JSON.stringify(path);
}
