import type { ArchiveInfo } from '../release';

/** Where a repository's files come from, over HTTPS or MQTT. Nothing from it is trusted. */
export interface RepositorySource {
  /**
   * A small file, complete, by its path in the repository; null if it does not exist.
   * @throws ReleaseRefused `endless-data` beyond `maxBytes`, `too-slow`; UsherError `download-failed`, `broker-failed`,
   * `cancelled`
   */
  file(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | null>;
  /**
   * Chunks of an archive as they arrive, in the order of `wanted` (ascending). May end before all came.
   * @throws as `file`
   */
  chunks(archive: ArchiveInfo, wanted: readonly number[], signal?: AbortSignal): AsyncIterable<ArrivedChunk>;
}

export interface ArrivedChunk {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Paths in a repository, by the rules for consistent snapshots (TUF 1.0.31, section 7). */
export const metadataPath = (role: string, version: number | null): string =>
  `metadata/${version === null ? '' : `${version}.`}${role}.json`;

export function targetPath(target: string, sha256: string): string {
  const cut = target.lastIndexOf('/') + 1;
  return `targets/${target.slice(0, cut)}${sha256}.${target.slice(cut)}`;
}

export const documentTarget = (release: string): string => `releases/${release}.json`;
export const archiveTarget = (release: string): string => `archives/${release}.tar`;
