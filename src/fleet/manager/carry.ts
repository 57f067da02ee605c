import { z } from 'zod';
import { fleetTopicOf } from '../../mqtt/topics/topic-names';
import { CHUNK_MAX_BYTES } from '../../mqtt/topics/update-payloads';
import { WHOLE_FLEET } from '../release';
import { encodePart, fileKey, NO_SUCH_FILE, partsOf } from '../transfer/framing';
import { documentTarget, metadataPath, targetPath } from '../trust/source';
import type { FleetFolder } from './fleet-folder';
import { documentOf, releasesOf } from './publish';
import { sha256Hex } from '../../digest';

/** Can retain messages: a broker, during a short connection. */
export interface Keeper {
  /** @param payload empty deletes the retained message */
  retain(topic: string, payload: Buffer): Promise<void>;
}

const Carried = z.record(z.string(), z.strictObject({ sha256: z.string(), parts: z.number().int() }));
type Carried = Map<string, z.infer<typeof Carried>[string]>;

export interface CarryProgress {
  readonly file: string;
  readonly done: number;
  readonly total: number;
}

/**
 * Publishes the repository on a broker as retained chunks, for boxes that reach only MQTT. Chunks that are there
 * already (by this fleet's own note) are skipped; those no longer needed are deleted. Archives first, the timestamp
 * last, so that a box that reads meanwhile finds every file that is named.
 * @param broker its address, to which the note belongs
 */
export async function carry(
  fleet: FleetFolder,
  keeper: Keeper,
  broker: string,
  onProgress: (progress: CarryProgress) => void = () => undefined,
): Promise<void> {
  const note = `carried/${sha256Hex(broker).slice(0, 16)}.json`;
  const carried = readNote(fleet, note);
  const wanted = filesOf(fleet);
  const files = [...wanted];
  for (const [index, [file, partBytes]] of files.entries()) {
    onProgress({ file, done: index, total: files.length });
    const bytes = partBytes === null ? null : fleet.read(file);
    const sha256 = bytes === null ? 'none' : sha256Hex(bytes);
    const before = carried.get(file);
    if (before?.sha256 === sha256) continue;
    const parts = bytes === null ? [NO_SUCH_FILE] : [...partsOf(bytes, partBytes ?? CHUNK_MAX_BYTES)];
    for (const part of parts) await keeper.retain(topicFor(file, part.index), encodePart(part));
    for (let index = parts.length; index < (before?.parts ?? 0); index++)
      await keeper.retain(topicFor(file, index), Buffer.alloc(0));
    carried.set(file, { sha256, parts: parts.length });
    writeNote(fleet, note, carried);
  }
  for (const [file, { parts }] of [...carried]) {
    if (wanted.has(file)) continue;
    for (let index = 0; index < parts; index++) await keeper.retain(topicFor(file, index), Buffer.alloc(0));
    carried.delete(file);
    writeNote(fleet, note, carried);
  }
  onProgress({ file: '', done: files.length, total: files.length });
}

/** Paths in order of publication, with the size of their chunks; null: that there is no such file. */
function filesOf(fleet: FleetFolder): Map<string, number | null> {
  const files = new Map<string, number | null>();
  const { withdrawn } = fleet.targets;
  for (const release of releasesOf(fleet)) {
    if (withdrawn.includes(release.id)) continue;
    const { archive } = documentOf(fleet, release);
    files.set(targetPath(archive.path, archive.sha256), archive.chunkBytes);
    files.set(targetPath(documentTarget(release.id), release.document.sha256), CHUNK_MAX_BYTES);
  }
  // So that a box learns at once that there is no newer root, and need not wait for a timeout.
  const next = metadataPath('root', fleet.rootVersion + 1);
  files.set(next, null);
  for (const path of fleet.metadataPaths) files.set(path, CHUNK_MAX_BYTES);
  return files;
}

function topicFor(file: string, part: number): string {
  return fleetTopicOf('updateData', { group: WHOLE_FLEET, file: fileKey(file), part: String(part) });
}

function readNote(fleet: FleetFolder, note: string): Carried {
  try {
    return new Map(Object.entries(Carried.parse(JSON.parse(String(fleet.readOptional(note))))));
  } catch {
    // Without the note everything is published again.
    return new Map();
  }
}

function writeNote(fleet: FleetFolder, note: string, carried: Carried): void {
  fleet.write(note, Buffer.from(JSON.stringify(Object.fromEntries(carried))), 'owner');
}
