import type { Offer, ReleaseDocument, Rollout } from '../../src/fleet/release';
import { OPERATORS } from '../../src/fleet/update/effective-config';
import type { Installed } from '../../src/fleet/update/update-state';
import type { Facts } from '../../src/fleet/update/update-events';
import { sha256Hex } from '../../src/digest';

export const OPEN: Rollout = { stages: [500, 2500, 10_000], stage: 2, state: 'rolling', why: null };

/** An offer of release `n` on a channel; the digest of its document is that of `documentOf(n)` as far as the updater can tell. */
export function offerOf(n: number, rollout: Rollout = OPEN, channel = 'face/encoder'): Offer {
  return {
    channel,
    release: `${channel.replace('/', '-')}-${n}`,
    version: `1.${n}.0`,
    document: { bytes: 100, sha256: sha256Hex(`document ${channel} ${n}`) },
    rollout,
  };
}

export function releaseOf(n: number, change: Partial<ReleaseDocument> = {}, channel = 'face/encoder'): ReleaseDocument {
  return {
    v: 1,
    id: `${channel.replace('/', '-')}-${n}`,
    channel,
    serial: n,
    version: `1.${n}.0`,
    kind: 'bundle',
    model: { name: 'tiny', version: `1.${n}.0`, sha256: sha256Hex(`model ${n}`) },
    createdAt: 1000,
    notAfter: 8e15,
    summary: 'a release for tests',
    archive: {
      path: `archives/a${n}.tar`,
      bytes: 512,
      sha256: sha256Hex(`archive ${n}`),
      chunkBytes: 1024,
      chunks: Buffer.alloc(32).toString('base64'),
    },
    requires: { usher: null, arch: null, memoryMiB: null },
    embedding: null,
    rollback: null,
    ...change,
  };
}

export function installedOf(n: number, channel = 'face/encoder'): Installed {
  const { release, version, document } = offerOf(n, OPEN, channel);
  return { release, version, serial: n, kind: 'bundle', document: document.sha256, at: 1 };
}

export const factsAt = (now: number, change: Partial<Facts> = {}): Facts => ({
  now,
  random: 0.5,
  active: null,
  placeOf: () => 0,
  ...change,
});

/** A setting by which the settings of a version are known: who runs under them has it. Others than those of the last 59 versions. */
export function everySecondsOf(version: string): number {
  return version === OPERATORS ? 60 : 1 + (Number(version.split('.')[1]) % 59);
}
