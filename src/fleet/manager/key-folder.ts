import { readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { UsherError } from '../../errors';
import { type FleetKey, keyFilesOf, type KeyRole, makeKey, readKey } from './keys';

export interface OpenOptions {
  readonly passphrase: string | null;
  /** Further folders in which root keys lie: a stick from the safe. */
  readonly keyFolders?: readonly string[];
}

/** The keys of a fleet: those in its folder, and root keys that lie in other folders. */
export class KeyFolder {
  constructor(
    private readonly dir: string,
    private readonly options: OpenOptions,
  ) {}

  /** New keys for a role, numbered on from those that are there. */
  make(role: KeyRole, count: number): FleetKey[] {
    const taken = readdirSync(this.dir).map((name) => Number(new RegExp(`^${role}-(\\d+)\\.pem`).exec(name)?.[1] ?? 0));
    const from = Math.max(0, ...taken) + 1;
    return Array.from({ length: count }, (_, index) =>
      makeKey(path.join(this.dir, `${role}-${from + index}.pem`), this.options.passphrase),
    );
  }

  /** The keys of a role that are at hand; at least as many as must sign. @throws UsherError `key-unusable` */
  atHand(role: KeyRole, { keyids, threshold }: { keyids: readonly string[]; threshold: number }): FleetKey[] {
    const folders = [this.dir, ...(role === 'root' ? (this.options.keyFolders ?? []) : [])];
    const found = new Map<string, FleetKey>();
    for (const file of folders.flatMap((folder) => keyFilesOf(folder, role))) {
      const key = readKey(file, this.options.passphrase);
      if (keyids.includes(key.keyid)) found.set(key.keyid, key);
    }
    if (found.size < threshold) throw missingKeys(role, found.size, threshold, 'so many must sign');
    return [...found.values()];
  }

  /** Takes keys out of use; those that lie elsewhere stay as they are. */
  retire(keys: readonly FleetKey[]): void {
    for (const { file } of keys) if (path.dirname(file) === this.dir) renameSync(file, `${file}.retired`);
  }
}

/** Too few keys of a role are at hand. */
export function missingKeys(role: KeyRole, found: number, wanted: number, why: string): UsherError {
  return new UsherError('key-unusable', `${found} of ${wanted} ${role} keys are at hand: ${why}`, {
    remedy: 'Name the folders in which the others lie: --keys DIR (from the safe, for root keys).',
  });
}
